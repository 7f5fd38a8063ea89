/** Kernels that are right in the small cases of the self-check, and wrong at the size of a network. All rows: `npm run test:long -- hostile`. */
import { describe, expect, test, vi } from 'vitest';
import { memoryCache } from '../../src/tuning/cache';
import { digits } from '../checked_networks';
import { fourSteps, onWrong, type World, type WrongWhere } from '../hostile/wrong';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const { device } = gpu;

const nothing = /^nothing$/;
/** Of the first layer, whose images are 16x16; those of the others are smaller. */
const first = /^conv2d(_pool)?\.one_input/;

const on = <T>(shader: RegExp, where: WrongWhere, work: (world: World) => Promise<T>, options = {}) =>
  onWrong(device, digits, shader, where, work, options);

test('a comparison changes no bit of the training, and is made once', async () => {
  const tuningCache = memoryCache();
  const buffers = vi.spyOn(device, 'createBuffer');
  const comparisons = () => {
    const made = buffers.mock.calls.filter(([{ label }]) => label === 'comparison: params').length;
    buffers.mockClear();
    return made;
  };
  const without = await on(nothing, {}, fourSteps, { selfCheck: false });
  expect(without.result!.losses).toHaveLength(4);
  expect(comparisons()).toBe(0);
  const compared = await on(nothing, {}, fourSteps, { tuningCache });
  expect(compared).toEqual(without);
  // With the plain kernels, and with those in use.
  expect(comparisons()).toBe(2);
  expect(await on(nothing, {}, fourSteps, { tuningCache })).toEqual(without);
  expect(comparisons()).toBe(0);
  // Another batch is another size.
  const more = { ...digits, trainer: { ...digits.trainer, batchSize: 12 } };
  await onWrong(device, more, nothing, {}, fourSteps, { tuningCache });
  expect(comparisons()).toBe(2);
  buffers.mockRestore();
});

describe('a variant that is wrong from a width of 14 on', () => {
  const where = { width: 14 };
  const wrong = { code: 'wrong-kernel', kernel: 'conv2d', variant: expect.stringMatching(/^one_input/) };

  test('ends a fit after its first step, is told of, and replaced in what is created then', async () => {
    const losses: number[] = [];
    const { planted, warnings, result } = await on(first, where, async (world) => {
      const error = await fourSteps(world, losses).catch((error) => error);
      const { engine, unet, trainer, dataset } = world;
      // It has not become right meanwhile.
      await expect(fourSteps(world)).rejects.toBe(error);
      trainer.destroy();
      // The form without subgroups is as wrong.
      for (;;) {
        using trainer = await engine.createTrainer(unet, digits.trainer);
        const another = await fourSteps({ engine, unet, trainer, dataset }).catch(() => undefined);
        if (another) return { error, another };
      }
    });
    expect(planted.size).toBeGreaterThan(0);
    expect(losses).toHaveLength(1);
    const { error, another } = result!;
    expect(error).toMatchObject(wrong);
    expect(error.message).toMatch(
      /with 8 images .* is \S+% off .* because of the layer down\.0\. 1 step was made with it: /,
    );
    const told = warnings.map(({ variant }) => variant);
    expect(told.length).toBeGreaterThan(0);
    expect(new Set(told).size).toBe(told.length);
    expect(warnings).toMatchObject(told.map(() => wrong));
    expect(another.losses).toHaveLength(4);
    expect(told).not.toContain(another.variants['conv2d/down.0']);
  });

  test('is an error alone where the caller fixed it, and refused from then on', async () => {
    const { result } = await on(nothing, {}, fourSteps);
    const { variants } = result!;
    const fixed = await on(
      first,
      where,
      async (world) => {
        const error = await fourSteps(world).catch((error) => error);
        const again = world.engine.createTrainer(world.unet, digits.trainer);
        await expect(again).rejects.toBe(error);
        throw error;
      },
      { variants },
    );
    expect(fixed).toMatchObject({ error: wrong, warnings: [] });
    expect(fixed.error!.message).toContain('Leave it out of `variants`');
  });

  test('ends step, and runFor', async () => {
    const pixels = 8 * 16 * 16;
    const batch = {
      noisy: new Float32Array(pixels).fill(0.5),
      target: new Float32Array(pixels),
      levels: new Float32Array(8).fill(0.5),
      labels: new Array(8).fill(3),
    };
    const steps = await on(first, where, async ({ trainer }) => {
      expect(await trainer.step(batch)).toBeGreaterThan(0);
      await trainer.step(batch);
    });
    expect(steps).toMatchObject({ error: wrong, warnings: [wrong] });
    const frames = await on(first, where, async ({ trainer, dataset }) => {
      await trainer.runFor(dataset, { milliseconds: 60_000 });
    });
    expect(frames).toMatchObject({ error: wrong, warnings: [wrong] });
    expect(frames.error!.message).toContain('1 step was made');
  });

  test('is not noticed without the self-check', async () => {
    const { error, warnings } = await on(first, where, fourSteps, { selfCheck: false });
    expect([error, warnings]).toEqual([undefined, []]);
  });
});

test('weights whose gradient is not finite compare with nothing, which is not remembered', async () => {
  const tuningCache = memoryCache();
  const set = vi.spyOn(tuningCache, 'set');
  const { error, warnings } = await on(
    nothing,
    {},
    async ({ trainer, unet, dataset }) => {
      await trainer.runFor(dataset, { milliseconds: 1 });
      const huge = [...(await unet.getParameters())].map(([name, v]) => [name, v.fill(1e30)] as const);
      const before = set.mock.calls.length;
      await unet.setParameters(new Map(huge));
      await fourSteps({ trainer, unet, dataset } as World).catch(() => {});
      expect(set.mock.calls.length).toBe(before);
    },
    { tuningCache },
  );
  expect([error, warnings]).toEqual([undefined, []]);
});
