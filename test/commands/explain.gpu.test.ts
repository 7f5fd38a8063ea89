/** What the Explain tab's part of the worker answers, with the pretrained networks. */
import { expect, test } from 'vitest';
import { meanSquaredError } from '../../harness/page/explain/noise';
import type { ExplainOrder, Made, PredictedImages } from '../../harness/page/messages/explain_messages';
import { initialSettings } from '../../harness/page/messages/settings';
import { answerExplain, type Surroundings } from '../../harness/page/worker/explain';
import { pretrained } from '../../harness/page/worker/worker_state';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { createEngine } from '../../src/engine';
import { SamplerCache } from '../../src/worker/samplers';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, tune: false });
const samplers = new SamplerCache();

const about = (of: 'digits' | 'tutorial' = 'digits'): Surroundings => ({
  current: initialSettings,
  trainingImages: async () => ({ ...(await loadDigits()), labels: await loadDigitLabels() }),
  networkFrom: async () =>
    (await samplers.network(of, engine)) ?? samplers.load(of, await pretrained[of](), engine),
  initialNetwork: pretrained.digits,
  session: { samplers },
});
const ask = async <Kind extends ExplainOrder['kind']>(
  order: Extract<ExplainOrder, { kind: Kind }>,
  of?: 'digits' | 'tutorial',
) => (await answerExplain(order, engine, about(of))) as Kind extends 'make' ? Made : PredictedImages;

test.each(['digits', 'tutorial'] as const)(
  'Explain: the trained network %s errs less than an untrained one',
  async (of) => {
    const answer = await ask({ kind: 'predict', of: 'pretrained', choice: 7, seed: 1 }, of);
    const { levels, noisy, before, after, clean, labels } = answer;
    expect(labels).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(levels).toHaveLength(11);
    expect(meanSquaredError(noisy[0], clean)).toBeLessThan(1e-4);
    // An untrained network of the tutorial's sees next to nothing, which is not far from a thin digit.
    for (const [at, share] of [
      [4, 0.5],
      [7, 0.8],
      [9, 0.9],
    ]) {
      expect(meanSquaredError(after[at], clean)).toBeLessThan(share * meanSquaredError(before[at], clean));
      // And does better than to leave the noise where it is.
      expect(meanSquaredError(after[at], clean)).toBeLessThan(0.6 * meanSquaredError(noisy[at], clean));
    }
    expect(meanSquaredError(after[10], clean)).toBeGreaterThan(meanSquaredError(after[4], clean));
    // A sample goes to what the network sees in it at the end.
    const { x, predictions, byClass } = await ask({ kind: 'make', of: 'pretrained', label: 3, seed: 9 }, of);
    expect(x.length - predictions.length).toBe(1);
    expect(byClass).toEqual(of === 'digits');
    expect(meanSquaredError(x.at(-1)!, predictions.at(-1)!)).toBeLessThan(1e-4);
  },
);

test('Explain: a network in colour makes its samples in colour', async () => {
  using unet = await engine.createUNet({ widths: [4], height: 4, width: 4, channels: 3 });
  const networkFrom = async () => ({ unet, objective: 'tutorial' }) as const;
  const order = { kind: 'make', of: 'file', label: 0, seed: 0 } as const;
  const made = await answerExplain(order, engine, { ...about(), networkFrom });
  expect(made).toMatchObject({ kind: 'made', height: 4, width: 4, channels: 3 });
  const { predictions } = made as Extract<typeof made, { kind: 'made' }>;
  expect(predictions.map(({ length }) => length)).toEqual(Array(50).fill(4 * 4 * 3));
});
