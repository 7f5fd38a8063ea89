/** The pictures that the page's worker makes beside its training. */
import { expect, test, vi } from 'vitest';
import { Views } from '../../../harness/page/worker/views';
import type { WorkerState } from '../../../harness/page/worker/worker_state';
import type { Engine, SampleOptions, Sampler, UNet } from '../../../src/index';
import { SamplerCache } from '../../../src/worker/samplers';

test('samples of another number or network get a new sampler, the last ones a polish, and the sampler of before is destroyed', async () => {
  const made: Sampler[] = [];
  const polishes: unknown[] = [];
  const createSampler = async (unet: UNet, { count }: { count: number }) => {
    const sample = async ({ polish }: SampleOptions) => {
      polishes.push(polish);
      return new Float32Array(4 * count);
    };
    made.push({ count, unet, sample, destroy: vi.fn() } as unknown as Sampler);
    return made.at(-1);
  };
  const engine = { createSampler, adapter: { software: true } } as unknown as Engine;
  const post = vi.fn();
  const samplers = new SamplerCache();
  // Ten losses are read; the network has made more steps.
  const trainer = { readStep: async () => 13 };
  const polish = { noises: 4, level: 0.2 };
  const sampling = { method: 'adams', steps: 8, polish };
  const [unet, other] = [2, 1].map((side) => ({
    config: { height: side, width: side, channels: 1 },
    sampling,
  }));
  for (const [of, samples, complete] of [
    [unet, 4, false],
    [unet, 4, false],
    [unet, 9, false],
    [other, 9, true],
    // The run is closed.
    [undefined, 9, true],
  ] as const)
    await new Views({
      session: { samplers, engine, run: of && { unet: of, complete, trainer } },
      post,
      objective: 'flow',
      settings: { samples },
      current: { seed: 1 },
      step: 10,
    } as unknown as WorkerState).both();
  const shown = post.mock.calls.map(([{ pictures }]) => pictures.grid);
  const captions = shown.map(({ step, images }) => `${images.length}, ${step}`);
  expect(captions).toEqual(['16, 13', '16, 13', '36, 13', '36, 13']);
  expect(polishes).toEqual([false, false, false, polish]);
  // The page enlarges the last ones alone.
  expect(shown.map(({ isLast }) => isLast)).toEqual([false, false, false, true]);
  const destroyed = (sampler: Sampler) => vi.mocked(sampler.destroy).mock.calls.length;
  expect(made.map((sampler) => [sampler.count, sampler.unet, destroyed(sampler)])).toEqual([
    [4, unet, 1],
    [9, unet, 1],
    [9, other, 0],
  ]);
});
