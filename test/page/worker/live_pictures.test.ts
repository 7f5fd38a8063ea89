/** The pictures that the page's worker makes beside its training. */
import { expect, test, vi } from 'vitest';
import { sendGrid } from '../../../harness/page/worker/live_pictures';
import type { WorkerState } from '../../../harness/page/worker/worker_state';
import type { Engine, Sampler, UNet } from '../../../src/index';
import { SamplerCache } from '../../../src/worker/samplers';

/** The pictures of an engine, its samplers, and the events. */
function pictures() {
  const made: Sampler[] = [];
  const createSampler = async (unet: UNet, { count }: { count: number }) => {
    const sample = vi.fn(async () => new Float32Array(4 * count));
    made.push({ count, unet, sample, destroy: vi.fn() } as unknown as Sampler);
    return made.at(-1);
  };
  const engine = { createSampler, adapter: { software: true } } as unknown as Engine;
  const told = vi.fn();
  const samplers = new SamplerCache();
  const grid = (unet: UNet | undefined, count: number, complete = false) =>
    sendGrid({
      ...{ session: { samplers, engine, run: unet && { unet, complete } }, post: told, objective: 'flow' },
      ...{ settings: { samples: count }, current: { seed: 1 }, step: 1 },
    } as unknown as WorkerState);
  return { made, told, grid };
}
const polish = { noises: 4, level: 0.2 };
const network = (side: number) =>
  ({
    config: { height: side, width: side, channels: 1 },
    sampling: { method: 'adams', steps: 8, polish },
  }) as unknown as UNet;

test('samples of another number or network get a new sampler, and the sampler of before is destroyed', async () => {
  const { made, told, grid } = pictures();
  const [unet, other] = [network(2), network(1)];
  for (const [of, count] of [
    [unet, 4],
    [unet, 4],
    [unet, 9],
    [other, 9],
    // The run is closed.
    [undefined, 9],
  ] as const)
    await grid(of, count);
  const grids = told.mock.calls.flatMap(([{ pictures }]) => pictures?.grid ?? []);
  expect(grids.map(({ images }) => images.length)).toEqual([16, 16, 36, 36]);
  const destroyed = (sampler: Sampler) => vi.mocked(sampler.destroy).mock.calls.length;
  expect(made.map((sampler) => [sampler.count, sampler.unet === other, destroyed(sampler)])).toEqual([
    [4, false, 1],
    [9, false, 1],
    [9, true, 0],
  ]);
});

test('samples are polished at the end of a run, and not before', async () => {
  const { made, grid } = pictures();
  const unet = network(2);
  for (const isLast of [false, true]) await grid(unet, 1, isLast);
  const asked = vi.mocked(made[0].sample).mock.calls.map(([options]) => options!.polish);
  expect(asked).toEqual([false, polish]);
});
