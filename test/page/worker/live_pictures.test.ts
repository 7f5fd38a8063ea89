/** The pictures that the page's worker makes beside its training. */
import { expect, test } from 'vitest';
import type { WorkerEvent } from '../../../harness/page/messages/messages';
import { LivePictures } from '../../../harness/page/worker/live_pictures';
import type { Engine, Sampler, UNet } from '../../../src/index';
import { SamplerCache } from '../../../src/worker/samplers';

test('samples of another number or network get a new sampler, and the sampler of before is destroyed', async () => {
  const made: { readonly count: number; readonly unet: UNet; destroyed: boolean }[] = [];
  const createSampler = async (unet: UNet, { count }: { count: number }) => {
    const sampler = {
      ...{ count, unet, destroyed: false },
      sample: async () => new Float32Array(4 * count),
      destroy() {
        sampler.destroyed = true;
      },
    };
    made.push(sampler);
    return sampler as unknown as Sampler;
  };
  const engine = { createSampler, adapter: { software: true } } as unknown as Engine;
  const [unet, other] = [2, 2].map((side) => ({
    config: { height: side, width: side, channels: 1 },
  })) as unknown as UNet[];
  const bytes: number[] = [];
  const pictures = new LivePictures((event: WorkerEvent) => {
    if (event.type === 'grid') bytes.push(event.images.length);
  }, new SamplerCache());
  const grid = (of: UNet, count: number) =>
    pictures.grid(engine, { unet: of, objective: 'flow' }, { step: 1, count, seed: 1 });
  for (const [of, count] of [
    [unet, 4],
    [unet, 4],
    [unet, 9],
    [other, 9],
  ] as const)
    await grid(of, count);
  expect(bytes).toEqual([16, 16, 36, 36]);
  expect(made.map(({ count, unet, destroyed }) => [count, unet === other, destroyed])).toEqual([
    [4, false, true],
    [9, false, true],
    [9, true, false],
  ]);
});

test('samples are polished at the end of a run, and not before', async () => {
  const polish = { noises: 4, level: 0.2 };
  const unet = {
    config: { height: 2, width: 2, channels: 3 },
    sampling: { method: 'adams', steps: 8, polish },
  };
  const asked: unknown[] = [];
  const sampler = {
    ...{ count: 1, unet },
    sample: async (options: { polish?: unknown }) => {
      asked.push(options.polish);
      return new Float32Array(12);
    },
  };
  const engine = { createSampler: async () => sampler, adapter: { software: true } } as unknown as Engine;
  const pictures = new LivePictures(() => {}, new SamplerCache());
  const network = { unet: unet as unknown as UNet, objective: 'flow' } as const;
  for (const isLast of [false, true])
    await pictures.grid(engine, network, { step: 1, count: 1, seed: 1, isLast });
  expect(asked).toEqual([false, polish]);
});
