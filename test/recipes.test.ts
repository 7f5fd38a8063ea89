/** Recipes are what the functions take that they are for. */
import { describe, expect, test } from 'vitest';
import { recipes } from '../src/recipes';
import { passesOf } from '../src/sampling/passes';
import { settingsOf } from '../src/training/options';
import { checkConfig, presets } from '../src/unet/config';

test('there is one for each preset', () => {
  expect(Object.keys(recipes)).toEqual(Object.keys(presets));
});

describe.each(Object.entries(recipes))('%s', (_, { network, trainer, sampling }) => {
  test('a network, as it is', () => {
    expect(checkConfig(network)).toEqual(network);
  });

  test('settings of a trainer', () => {
    expect(settingsOf(trainer).objective).toBe(trainer.objective);
  });

  test('a run', () => {
    const { steps, method } = sampling;
    const guidance = 'guidance' in sampling ? sampling.guidance : 1;
    expect(passesOf({ steps, method, guidance, from: 1 })).toHaveLength(steps);
  });
});

test('the tutorial is what everything is by default', () => {
  expect(recipes.tutorial.network).toEqual(checkConfig());
  expect(settingsOf(recipes.tutorial.trainer)).toEqual(settingsOf({}));
});

test('that of digits follows a flow, by level and class, from a warm-up on', () => {
  expect(settingsOf(recipes.digits.trainer)).toEqual({
    objective: 'flow',
    adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
    schedule: { decay: 'none', warmup: 20 },
    clipNorm: 1,
    averageWeights: true,
    averageAfter: 200,
    classDropout: 0.05,
  });
});
