/** What the Explain tab's part of the worker answers, with the pretrained networks. */
import { expect, test } from 'vitest';
import { errorOf } from '../../harness/page/explain/noise';
import { initialSettings } from '../../harness/page/messages/settings';
import type { TrainingSession } from '../../harness/page/worker/door';
import { answerExplain, type Surroundings } from '../../harness/page/worker/explain';
import { pretrained, Workplace } from '../../harness/page/worker/place';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { createEngine } from '../../src/engine';
import { SamplerCache } from '../../src/worker/samplers';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, tune: false });
const session = { device: async () => engine, samplers: new SamplerCache() };
const place = new Workplace(session as unknown as TrainingSession, () => {});

const about: Surroundings = {
  engine,
  settings: initialSettings,
  images: async () => ({ ...(await loadDigits()), labels: await loadDigitLabels() }),
  network: (of) => place.pretrained(of === 'tutorial' ? of : 'digits'),
  initialNetwork: pretrained.digits,
};

test.each(['digits', 'tutorial'] as const)(
  'Explain: the trained network %s errs less than an untrained one',
  async (of) => {
    const answer = await answerExplain({ kind: 'predict', of, choice: 7, seed: 1 }, about);
    if (answer.kind !== 'predicted') throw new Error(answer.kind);
    const { levels, noisy, before, after, clean, labels } = answer;
    expect(labels).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(levels).toHaveLength(11);
    expect(errorOf(noisy[0], clean)).toBeLessThan(1e-4);
    // An untrained network of the tutorial's sees next to nothing, which is not far from a thin digit.
    for (const [at, share] of [
      [4, 0.5],
      [7, 0.8],
      [9, 0.9],
    ]) {
      expect(errorOf(after[at], clean)).toBeLessThan(share * errorOf(before[at], clean));
      // And does better than to leave the noise where it is.
      expect(errorOf(after[at], clean)).toBeLessThan(0.6 * errorOf(noisy[at], clean));
    }
    expect(errorOf(after[10], clean)).toBeGreaterThan(errorOf(after[4], clean));
  },
);

test('Explain: both recipes make their samples from the same noise, step by step', async () => {
  const order = { kind: 'make', labels: [3, 5], steps: 4, seed: 9 } as const;
  const digits = await answerExplain({ ...order, of: 'digits' }, about);
  const tutorial = await answerExplain({ ...order, of: 'tutorial' }, about);
  if (digits.kind !== 'made' || tutorial.kind !== 'made') throw new Error(digits.kind);
  for (const { x, predictions } of [digits, tutorial]) {
    expect(x).toHaveLength(5);
    expect(predictions).toHaveLength(4);
    expect(errorOf(x[4], predictions[3])).toBeLessThan(1e-4);
  }
  expect([digits.byClass, tutorial.byClass]).toEqual([true, false]);
  // Wherever the one is darker than the other pixel, so is the other.
  const [a, b] = [digits.x[0], tutorial.x[0]];
  const pairs = Array.from({ length: a.length - 1 }, (_, i) => [a[i] - a[i + 1], b[i] - b[i + 1]]);
  expect(pairs.filter(([one, other]) => one * other < 0)).toEqual([]);
});

test('Explain: a network in colour makes its samples in colour', async () => {
  using unet = await engine.createUNet({ widths: [4], height: 4, width: 4, channels: 3 });
  const network = async () => ({ unet, objective: 'tutorial' }) as const;
  const order = { kind: 'make', of: 'file', labels: [0], steps: 1, seed: 0 } as const;
  const made = await answerExplain(order, { ...about, network });
  expect(made).toMatchObject({ kind: 'made', height: 4, width: 4, channels: 3 });
  const { predictions } = made as Extract<typeof made, { kind: 'made' }>;
  expect(predictions.map(({ length }) => length)).toEqual([4 * 4 * 3]);
});
