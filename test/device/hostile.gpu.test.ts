/**
 * Drivers that treat kernels badly: training comes right with other forms, or ends in an error that says why. All rows: `npm run test:all -- long hostile`.
 *
 * @module-tag nightly
 */
import { describe, expect, test, vi } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { adapterName } from '../../src/gpu/adapter';
import '../../src/gpu/trouble'; // nothing loads while timers are fakes
import { createEngine, type EngineOptions, type Warning } from '../../src/index';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { resumeTrainer } from '../../src/resume';
import { memoryCache } from '../../src/trust/cache';
import type { Variants } from '../../src/unet/variants';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { check, digits3x3, furnish, tutorial } from '../lib/checked_networks';
import { holdTimers } from '../lib/clock';
import { testGpu } from '../lib/gpu';
import { makeHostile, REFUSAL, silence, someGpu } from '../lib/hostile/hostile_device';
import {
  DEADLINE,
  each,
  type Healthy,
  healthyVisit,
  onCard,
  onSoftware,
  type Place,
  type Row,
  tryRows,
} from '../lib/hostile/rows';
import { refused } from '../lib/refused';
import { until } from '../lib/until';

const { gpu, source } = await testGpu();
const { device } = gpu;

/** Forms for 3x3 compile in a third of the time. */
const card = onCard({ ...tutorial, config: { height: 8, width: 8, widths: [8, 8], kernelSize: 3 } });

/** With noise levels and classes, and as `card` without the tuner. */
const conditionedCard: Place = {
  ...card,
  network: { ...digits3x3, config: { ...digits3x3.config, ...card.network.config } },
  tune: false,
};
const CONDITIONING = ['conditioning.gpu', 'conditioning_grad.gpu', 'sum_pixels.gpu'];

const software = onSoftware(digits3x3);
const visits = new Map<Place, Promise<Healthy>>();
/** Made once for all tests: what they remember cannot be added to. */
const healthyOn = (place: Place) => {
  if (!visits.has(place)) visits.set(place, healthyVisit(device, place));
  return visits.get(place)!;
};

const named = (shaders: readonly string[], start: string) =>
  shaders.filter((shader) => shader.startsWith(start));

interface Tried {
  readonly what: string;
  readonly place: Place;
  readonly rows: (healthy: Healthy) => readonly Row[];
  /** The least number of rows that train. */
  readonly trained: number;
  readonly ended: number;
}

const tried: readonly Tried[] = [
  {
    what: 'refuses each shader of the kernels for processors, with checks remembered or not, by turns',
    place: software,
    rows: ({ asked }) => asked.flatMap((shader, i) => each([shader], ['refused'], i % 2 === 0)),
    trained: 9,
    ended: 9,
  },
  {
    what: 'refuses a shader that the tuner compares with, or that it chose',
    place: card,
    rows: ({ used }) => [
      ...each(['conv2d', 'difference', 'sum_slices'], ['refused']),
      ...each(named(used, 'conv2d').slice(0, 2), ['refused'], true),
    ],
    trained: 5,
    ended: 0,
  },
  {
    what: 'refuses one of the conditioning for GPUs, which kernels for any adapter replace',
    place: conditionedCard,
    rows: () => each(CONDITIONING, ['refused']),
    trained: 3,
    ended: 0,
  },
  {
    what: 'is late with a shader of the kernels for processors, or never comes: without changing a bit',
    place: software,
    rows: ({ used }) => [
      ...each(named(used, 'conv2d.winograd').slice(0, 1), ['late', 'never'], true),
      ...each(['finish_step'], ['late']),
    ],
    trained: 2,
    ended: 1,
  },
  {
    what: 'is late with a shader of the kernels for GPUs, or never comes: with another in its place where there is one',
    place: card,
    rows: ({ used }) => [
      ...each([...named(used, 'conv2d.').slice(0, 1), 'adam'], ['late', 'never'], true),
      ...each(['difference'], ['late', 'never']),
    ],
    trained: 5,
    ended: 1,
  },
  {
    what: 'is late, or never comes of the conditioning for GPUs, which kernels for any adapter replace',
    place: conditionedCard,
    rows: () => [...each(CONDITIONING, ['late'], true), ...each(CONDITIONING, ['never'], true)],
    trained: 6,
    ended: 0,
  },
];

test.each(tried.map((row) => [row.what, row] as const))(
  'training goes on, or ends in an error that says why, where the driver %s',
  async (_, { place, rows, trained, ended }) => {
    const healthy = await healthyOn(place);
    const outcome = await tryRows(device, place, healthy, rows(healthy));
    expect(outcome.complaints).toEqual([]);
    expect(outcome.trained).toBeGreaterThanOrEqual(trained);
    expect(outcome.ended).toBeGreaterThanOrEqual(ended);
  },
);

test('where a shader is refused, what is checked beside it passes', async () => {
  using _ = makeHostile(device, { refuses: (shader) => shader === 'swish' });
  using engine = await createEngine({ device, tuningCache: memoryCache() });
  const both = ['max_pool', 'swish'].map((name) => {
    const { kernel, cases } = specs.get(name)!;
    const [shape] = Object.values(cases);
    const sizes = Object.entries<number>(kernel.sizes(shape));
    const tensors = Object.fromEntries(sizes.map(([label, size]) => [label, tensor(label, size)]));
    return engine.gpu.trust!.admit([op(kernel, name, shape, tensors)]);
  });
  expect(await Promise.allSettled(both)).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: { code: 'shader', kernel: 'swish' } },
  ]);
});

describe('a kernel variant for GPUs that compiles late', () => {
  const { config, trainer: options } = card.network;
  const form = 'winograd6_3x3_gpu';
  const variants: Variants = { 'conv2d/down.1': form };

  /** An engine on a device whose driver compiles what has `name` in its name when `come` is called. */
  async function slow(name: string, fixed: EngineOptions = { tune: false }) {
    let come = () => {};
    const coming = new Promise<void>((resolve) => {
      come = resolve;
    });
    const delays = (shader: string) => (shader.includes(name) ? coming : undefined);
    const hostile = makeHostile(device, { adapterInfo: someGpu, delays });
    const warned: string[] = [];
    const told: string[] = [];
    const engine = await createEngine({
      device,
      deadlineSeconds: DEADLINE,
      tuningCache: memoryCache(),
      ...fixed,
      onWarning: ({ code, kernel, variant }) => warned.push(`${code} ${kernel}.${variant}`),
      onProgress: ({ kernel, seconds }) => seconds !== undefined && told.push(kernel!),
    });
    const unet = await engine.createUNet(config);
    const begun = { variants, adapter: adapterName(engine.adapter) } as Checkpoint;
    const resume = () => resumeTrainer(engine, unet, options, begun);
    const dispose = () => {
      engine.destroy();
      hostile[Symbol.dispose]();
    };
    return { engine, unet, come, warned, told, resume, [Symbol.dispose]: dispose };
  }

  test('goes on compiling, and serves what is created after it has come', async () => {
    using device = await slow('one_input');
    const { engine, unet, warned } = device;
    const first = await engine.createTrainer(unet, options);
    expect(Object.values(first.variants).join()).not.toContain('one_input');
    const once = [...warned];
    expect(once.length).toBeGreaterThan(0);
    expect(once.filter((text) => !/^slow-kernel conv2d\w*\.one_input/.test(text))).toEqual([]);
    first.destroy();
    await engine.createPredictor(unet, { count: 8 });
    device.come();
    await until(async () => {
      using trainer = await engine.createTrainer(unet, options);
      return Object.values(trainer.variants).includes('one_input_gpu');
    });
    expect(warned).toEqual(once);
  });

  test.each(['the trainer', 'the engine'])(
    'is waited for where %s fixes it, and by a run that began with it',
    async (whose) => {
      using device = await slow(form, whose === 'the engine' ? { variants } : undefined);
      const { engine, unet, warned, told } = device;
      const making = Promise.all([
        engine.createTrainer(unet, whose === 'the trainer' ? { ...options, variants } : options),
        device.resume().then(({ trainer }) => trainer),
      ]);
      await until(() => told.length > 1);
      expect(new Set(told)).toEqual(new Set([`conv2d.${form}`]));
      device.come();
      expect((await making).map((trainer) => trainer.variants)).toEqual([variants, variants]);
      expect(warned).toEqual([]);
    },
  );

  test('is waited for where its kernel has no other, also in createAdam', async () => {
    using device = await slow('adam');
    const making = device.engine.createAdam(64);
    await until(() => device.told.length > 1);
    device.come();
    (await making).destroy();
    expect(new Set(device.told)).toEqual(new Set(['adam.plain']));
    expect(device.warned).toEqual([]);
  });

  test('is given up as an error by a run that began with it, if it never comes', async () => {
    using device = await slow(form);
    await expect(device.resume()).rejects.toMatchObject({ code: 'shader', why: 'slow-kernel' });
  });
});

describe('a kernel variant that the driver refuses', () => {
  const refuses = (shader: string) => shader.startsWith('conv2d.winograd');

  test('is replaced in everything that is created at the same time, with one warning', async () => {
    using _ = makeHostile(device, { refuses });
    const names: string[] = [];
    const onWarning = ({ code, kernel, variant }: Warning) => names.push(`${code} ${kernel}.${variant}`);
    using engine = await createEngine({ device, tuningCache: memoryCache(), onWarning });
    const unet = await engine.createUNet(digits3x3.config);
    await Promise.all([4, 8].map((count) => engine.createPredictor(unet, { count })));
    const { variants } = await engine.createTrainer(unet, digits3x3.trainer);
    expect(names.length).toBeGreaterThan(1);
    // The gradients share the transforms.
    expect(names.filter((name) => !/^refused-kernel conv2d\w*\.winograd/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.values(variants).join(' ')).not.toContain('winograd');
  });

  test('is an error where the caller fixed it, and is replaced in a run that began with it, which says so', async () => {
    const { variants } = await check(device, digits3x3);
    using _ = makeHostile(device, { refuses });
    const fixed = await check(device, digits3x3, { variants, tune: undefined });
    expect(fixed).toMatchObject({ error: { code: 'shader' }, warnings: [] });
    expect(fixed.error!.message).toMatch(/^The kernel conv2d\.winograd\S* cannot be used/);

    using engine = await createEngine({ device, tuningCache: memoryCache(), onWarning: () => {} });
    const unet = await engine.createUNet(digits3x3.config);
    const begun = { variants, adapter: adapterName(gpu.adapter) } as Checkpoint;
    const { trainer, otherKernels } = await resumeTrainer(engine, unet, digits3x3.trainer, begun);
    expect(otherKernels).toContain(REFUSAL);
    expect(Object.entries(trainer.variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
  });
});

test.each([
  ['processors', software],
  ['GPUs', card],
])('shaders that are compiled after a trainer was created have no other variant: %s', async (_, place) => {
  const { network, adapterInfo } = place;
  using hostile = makeHostile(device, adapterInfo ? { adapterInfo } : {});
  using engine = await createEngine({ device, tune: false, selfCheck: false });
  const { trainer, dataset } = await furnish(engine, network);
  const before = new Set(hostile.asked);
  await trainer.evaluate(dataset);
  for await (const _ of trainer.fit(dataset, { epochs: 1 }));
  const later = [...hostile.asked].filter((shader) => !before.has(shader));
  expect(later).toContain('image_losses');
  expect(later.filter((shader) => /conv2d|winograd/.test(shader))).toEqual([]);
});

describe('a submission whose end is never reported', () => {
  /** The device is the shared one, which outlives an engine that owns it. Time goes by as the test says. */
  async function silenced(options: EngineOptions, warn = () => {}) {
    const { begin, end: answer, until: delaysWork } = silence();
    const hostile = makeHostile(device, { delaysWork });
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => {
      warnings.push(warning);
      warn();
    };
    const engine = await createEngine({ ...options, deadlineSeconds: 1, tune: false, onWarning });
    const unet = await engine.createUNet(tutorial.config);
    const trainer = await engine.createTrainer(unet, tutorial.trainer);
    const images = new Float32Array(8 * 16 * 16).fill(0.5);
    const step = () => trainer.step({ noisy: images, target: images });
    const first = await step();
    holdTimers('performance');
    const fallSilent = () => {
      const submit = vi.spyOn(device.queue, 'submit');
      begin();
      return {
        /** More time than a submission may take, once there is one, until all have heard of it. */
        async wait() {
          await until(() => submit.mock.calls.length > 0);
          vi.advanceTimersByTime(4000);
          await vi.dynamicImportSettled();
          submit.mockRestore();
        },
      };
    };
    const dispose = () => {
      vi.useRealTimers();
      engine.destroy();
      hostile[Symbol.dispose]();
    };
    return { engine, step, first, warnings, fallSilent, answer, [Symbol.dispose]: dispose };
  }

  test('counts as the loss of the engine’s own device', async () => {
    using silent = await silenced({ gpu: source });
    const { engine, step, warnings } = silent;
    const { wait } = silent.fallSilent();
    const lost = refused(step(), 'device-lost', 'it has not ended a submission for 3 s');
    await wait();
    silent.answer();
    await lost;
    expect(await engine.gpu.lost).toMatchObject({ reason: 'unknown' });
    await refused(engine.createUNet(), 'device-lost');
    expect(warnings).toEqual([]);
  });

  test('is a warning each time on the caller’s device, and is waited for', async () => {
    using silent = await silenced({ device });
    const { engine, step, first, warnings } = silent;
    const { wait } = silent.fallSilent();
    const second = step();
    // The second submission is late, too, and no second warning.
    const other = engine.gpu.submit(device.createCommandEncoder());
    await wait();
    silent.answer();
    await other;
    expect(await second).toBeLessThan(first);
    expect(warnings.map(({ code }) => code)).toEqual(['silent-device']);
    expect(warnings[0].message).toContain('has not ended a submission for 3 s');

    const again = silent.fallSilent();
    const third = step();
    await again.wait();
    silent.answer();
    await third;
    expect(warnings.map(({ code }) => code)).toEqual(['silent-device', 'silent-device']);
  });

  test('ends the call that waits, where the caller’s onWarning throws', async () => {
    const mine = new Error('mine');
    using silent = await silenced({ device }, () => {
      throw mine;
    });
    const { wait } = silent.fallSilent();
    const step = silent.step().catch((error) => error);
    await wait();
    silent.answer();
    expect(await step).toBe(mine);
  });
});
