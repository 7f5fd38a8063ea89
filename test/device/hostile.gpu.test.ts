/**
 * Drivers that treat kernels badly: training comes right with other forms, or ends in an error that says why. All rows: `npm run test:all -- long hostile`.
 *
 * @module-tag nightly
 */
import { describe, expect, test, vi } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { adapterName } from '../../src/gpu/adapter';
import { createEngine, type EngineOptions, requestDevice, type Warning } from '../../src/index';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { resumeTrainer } from '../../src/resume';
import { memoryCache } from '../../src/trust/cache';
import type { Variants } from '../../src/unet/variants';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { check, digits3x3, tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import {
  hostileSource,
  makeHostile,
  REFUSAL,
  silence,
  someGpu,
  withGarbage,
} from '../lib/hostile/hostile_device';
import { DEADLINE, delayEach } from '../lib/hostile/late';
import {
  healthyVisit,
  onCard,
  onSoftware,
  type Place,
  type Result,
  refuseEach,
  trainOn,
  updateEach,
} from '../lib/hostile/rows';
import { refused } from '../lib/refused';

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
type Healthy = Awaited<ReturnType<typeof healthyVisit>>;
const visits = new Map<Place, Promise<Healthy>>();
/** Made once for all tests: what they remember cannot be added to. */
const healthyOn = (place: Place) => {
  if (!visits.has(place)) visits.set(place, healthyVisit(device, place));
  return visits.get(place)!;
};

/** What comes of rows at a place, of which none has a complaint. */
async function tried<R>(
  each: (device: GPUDevice, place: Place, healthy: Healthy, rows: readonly R[]) => Promise<Result>,
  place: Place,
  rowsOf: (healthy: Healthy) => readonly R[],
) {
  const healthy = await healthyOn(place);
  const { complaints, ...outcome } = await each(device, place, healthy, rowsOf(healthy));
  expect(complaints).toEqual([]);
  return outcome;
}

const withWorkgroupMemory = {
  'conv2d/down.1': 'winograd6_3x3_gpu',
  'conv2d/up.1': 'one_output_gpu',
  'conv2d_grad_kernel/down.0': 'one_channel_gpu',
  'conv2d_grad_kernel/up.0': 'winograd6_3x3_gpu',
};

test.each([
  ['kernels for processors', software, ['finish_step', 'gradient_norm', 'image_losses', 'mse']],
  [
    'kernels for GPUs',
    onSoftware({ ...card.network, trainer: { batchSize: 8, variants: withWorkgroupMemory } }),
    ['one_channel_3x3_gpu', 'one_output_3x3_gpu', 'winograd6_3x3_gpu_input', 'winograd_gpu_product'],
  ],
])('garbage in workgroup memory changes no bit of training: %s', async (_, place, shaders) => {
  const { losses } = await trainOn(device, place, memoryCache());
  const rewritten = new Set<string>();
  const rewrites = (shader: string, text: string) => {
    const result = withGarbage(shader, text);
    if (result !== text) rewritten.add(shader);
    return result;
  };
  const outcome = await trainOn(device, place, memoryCache(), { rewrites });
  for (const shader of shaders) expect([...rewritten].join(' ')).toContain(shader);

  expect(outcome).toMatchObject({ losses, warnings: [], error: undefined });
});

describe('training goes on, or ends in an error that says why, where the driver refuses one shader', () => {
  test('of the kernels for processors, with checks remembered or not, by turns', async () => {
    const { trained, ended } = await tried(refuseEach, software, ({ asked }) =>
      asked.map((shader, i) => ({ shader, remembered: i % 2 === 0 })),
    );
    expect(Math.min(trained, ended)).toBeGreaterThan(8);
  });

  test('what is checked beside it passes', async () => {
    using _ = makeHostile(device, { refuses: (shader) => shader === 'swish' });
    using engine = await createEngine({ device, tuningCache: memoryCache() });
    const opOf = (name: string) => {
      const { kernel, cases } = specs.get(name)!;
      const [shape] = Object.values(cases);
      const sizes = Object.entries<number>(kernel.sizes(shape));
      return op(kernel, name, shape, Object.fromEntries(sizes.map(([at, size]) => [at, tensor(at, size)])));
    };
    const both = ['swish', 'max_pool'].map((name) => engine.gpu.trust!.admit([opOf(name)]));
    expect(await Promise.allSettled(both)).toMatchObject([
      { status: 'rejected', reason: { code: 'shader', kernel: 'swish' } },
      { status: 'fulfilled' },
    ]);
  });

  test('that the tuner compares with, or that it chose', async () => {
    const outcome = await tried(refuseEach, card, ({ used }) => {
      const chosen = used.filter((shader) => shader.startsWith('conv2d')).slice(0, 2);
      expect(chosen).toHaveLength(2);
      return [
        ...['conv2d', 'difference', 'sum_slices'].map((shader) => ({ shader, remembered: false })),
        ...chosen.map((shader) => ({ shader, remembered: true })),
      ];
    });
    expect(outcome.ended).toBe(0);
  });

  test('of the conditioning for GPUs, which kernels for any adapter replace', async () => {
    const { ended } = await tried(refuseEach, conditionedCard, ({ used }) => {
      expect(used).toEqual(expect.arrayContaining(CONDITIONING));
      return CONDITIONING.map((shader) => ({ shader, remembered: false }));
    });
    expect(ended).toBe(0);
  });
});

describe('training goes on, or ends in an error that says why, where one shader is late, or never comes', () => {
  const remembered = true;

  test('of the kernels for processors, with a warning and without changing a bit', async () => {
    const outcome = await tried(delayEach, software, ({ used }) => {
      const shader = used.find((name) => name.startsWith('conv2d.winograd'))!;
      return [
        { shader, remembered, never: false },
        { shader, remembered, never: true },
        { shader: 'finish_step', remembered: false, never: false },
      ];
    });
    expect(outcome).toEqual({ trained: 2, ended: 1 });
  });

  test('of the kernels for GPUs, with another in its place where there is one', async () => {
    const outcome = await tried(delayEach, card, ({ used }) => {
      const form = used.find((shader) => shader.startsWith('conv2d.'))!;
      return [form, 'difference', 'adam'].flatMap((shader) =>
        [false, true].map((never) => ({ shader, remembered: shader !== 'difference', never })),
      );
    });
    expect(outcome).toEqual({ trained: 5, ended: 1 });
  });

  test('of the conditioning for GPUs, which kernels for any adapter replace', async () => {
    const { ended } = await tried(delayEach, conditionedCard, () =>
      CONDITIONING.map((shader, i) => ({ shader, remembered, never: i % 2 === 0 })),
    );
    expect(ended).toBe(0);
  });
});

describe('a kernel variant for GPUs that compiles late', () => {
  const { config, trainer: options } = card.network;
  const form = 'winograd6_3x3_gpu';

  /** An engine on a device whose driver compiles what has `name` in its name when `come` is called. */
  async function slow(name: string, fixed: EngineOptions = { tune: false }) {
    let come = () => {};
    const coming = new Promise<void>((resolve) => {
      come = resolve;
    });
    const delays = (shader: string) => (shader.includes(name) ? coming : 0);
    const hostile = makeHostile(device, { adapterInfo: someGpu, delays });
    const warned: string[] = [];
    const told: string[] = [];
    const engine = await createEngine({
      ...{ device, deadlineSeconds: DEADLINE, tuningCache: memoryCache(), ...fixed },
      onWarning: ({ code, kernel, variant }) => warned.push(`${code} ${kernel}.${variant}`),
      onProgress: ({ kernel, seconds }) => seconds !== undefined && told.push(kernel!),
    });
    const unet = await engine.createUNet(config);
    const dispose = () => {
      engine.destroy();
      hostile[Symbol.dispose]();
    };
    return { engine, unet, come, warned, told, [Symbol.dispose]: dispose };
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
    const next = async () => {
      using trainer = await engine.createTrainer(unet, options);
      return Object.values(trainer.variants);
    };
    await expect.poll(next, { timeout: 60_000 }).toContain('one_input_gpu');
    expect(warned).toEqual(once);
  });

  test.each(['the trainer', 'the engine'])(
    'is waited for where %s fixes it, and by a run that began with it',
    async (whose) => {
      const variants: Variants = { 'conv2d/down.1': form };
      using device = await slow(form, whose === 'the engine' ? { variants } : undefined);
      const { engine, unet, warned, told } = device;
      const begun = { variants, adapter: adapterName(engine.adapter) } as Checkpoint;
      const making = Promise.all([
        engine.createTrainer(unet, whose === 'the trainer' ? { ...options, variants } : options),
        resumeTrainer(engine, unet, options, begun).then(({ trainer }) => trainer),
      ]);
      await expect.poll(() => told.length, { timeout: 60_000 }).toBeGreaterThan(1);
      expect(new Set(told)).toEqual(new Set([`conv2d.${form}`]));
      device.come();
      const made = await making;
      expect(made.map((trainer) => trainer.variants)).toEqual([variants, variants]);
      expect(warned).toEqual([]);
    },
  );

  test('is waited for where its kernel has no other, also in createAdam', async () => {
    using device = await slow('adam');
    const { engine, warned, told, come } = device;
    const making = engine.createAdam(64);
    await expect.poll(() => told.length, { timeout: 60_000 }).toBeGreaterThan(1);
    come();
    (await making).destroy();
    expect([new Set(told), warned]).toEqual([new Set(['adam.plain']), []]);
  });

  test('is given up as an error by a run that began with it, if it never comes', async () => {
    const variants: Variants = { 'conv2d/down.1': form };
    using device = await slow(form);
    const begun = { variants, adapter: adapterName(device.engine.adapter) } as Checkpoint;
    const resumed = resumeTrainer(device.engine, device.unet, options, begun);
    await expect(resumed).rejects.toMatchObject({ code: 'shader', why: 'slow-kernel' });
  });
});

test('shaders that are compiled after a trainer was created have no other variant', async () => {
  for (const { network, adapterInfo } of [software, onSoftware(tutorial), card]) {
    using hostile = makeHostile(device, adapterInfo ? { adapterInfo } : {});
    using engine = await createEngine({ device, tune: false, selfCheck: false });
    const unet = await engine.createUNet(network.config);
    const trainer = await engine.createTrainer(unet, network.trainer);
    const before = new Set(hostile.asked);
    const { height, width, channels, conditioning } = unet.config;
    const images = new Uint8Array(8 * height * width * channels);
    const labels = conditioning && new Uint8Array(8);
    const dataset = await engine.createDataset({ images, count: 8, height, width, channels, labels });
    await trainer.evaluate(dataset);
    for await (const _ of trainer.fit(dataset, { epochs: 1 }));
    const later = [...hostile.asked].filter((shader) => !before.has(shader));
    expect(later).toContain('image_losses');
    expect(later.filter((shader) => /conv2d|winograd/.test(shader))).toEqual([]);
  }
});

describe('a submission whose end is never reported', () => {
  /** The device is the shared one, which outlives an engine that owns it. */
  async function silenced(options: EngineOptions, warn = () => {}) {
    const { begin: fallSilent, end: answer, until } = silence();
    const hostile = makeHostile(device, { delaysWork: until });
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => {
      warnings.push(warning);
      warn();
    };
    const engine = await createEngine({ ...options, deadlineSeconds: 0.1, tune: false, onWarning });
    const unet = await engine.createUNet(tutorial.config);
    const trainer = await engine.createTrainer(unet, tutorial.trainer);
    const images = new Float32Array(8 * 16 * 16).fill(0.5);
    const step = () => trainer.step({ noisy: images, target: images });
    const first = await step();
    fallSilent();
    const dispose = () => {
      engine.destroy();
      hostile[Symbol.dispose]();
    };
    return { engine, step, first, warnings, fallSilent, answer, [Symbol.dispose]: dispose };
  }

  test('counts as the loss of the engine’s own device', async () => {
    using silent = await silenced({ gpu: source });
    const { engine, step, warnings } = silent;
    // Else a step that nothing ends would be waited for.
    const giveUp = setTimeout(silent.answer, 10_000);
    await refused(step(), 'device-lost', 'it has not ended a submission for 0.3 s');
    clearTimeout(giveUp);
    expect(await engine.gpu.lost).toMatchObject({ reason: 'unknown' });
    await refused(engine.createUNet(), 'device-lost');
    expect(warnings).toEqual([]);
  });

  test('is a warning each time on the caller’s device, and is waited for', async () => {
    using silent = await silenced({ device });
    const { engine, step, first, warnings } = silent;
    const second = step();
    const other = engine.gpu.submit(device.createCommandEncoder());
    await expect.poll(() => warnings.length, { timeout: 10_000 }).toBeGreaterThan(0);
    // The second submission is late, too, and no second warning.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(warnings.map(({ code }) => code)).toEqual(['silent-device']);
    expect(warnings[0].message).toContain('has not ended a submission for 0.3 s');
    silent.answer();
    await other;
    expect(await second).toBeLessThan(first);
    silent.fallSilent();
    const third = step();
    await expect
      .poll(() => warnings.map(({ code }) => code), { timeout: 10_000 })
      .toEqual(['silent-device', 'silent-device']);
    silent.answer();
    await third;
  });

  test('ends the call that waits, where the caller’s onWarning throws', async () => {
    const mine = new Error('mine');
    using silent = await silenced({ device }, () => {
      throw mine;
    });
    const step = silent.step().catch((error) => error);
    await expect.poll(() => silent.warnings.length, { timeout: 10_000 }).toBe(1);
    silent.answer();
    expect(await step).toBe(mine);
  });
});

describe('a browser update that makes one shader compute nothing', () => {
  test('is noticed at once where the runtime’s version changed, else after 8 days', async () => {
    const { trained } = await tried(updateEach, software, ({ used }) => {
      const winograd = used.find((shader) => shader.startsWith('conv2d.winograd'))!;
      // One has other forms; without one there is no step; one is of the sampler, made after the first step.
      return [winograd, 'adam', 'finish_step', 'flow_step'].flatMap((shader) =>
        [true, false].map((told) => ({ shader, told })),
      );
    });
    expect(trained).toBe(2);
  });
});

describe('a kernel variant that the driver refuses', () => {
  const refuses = (shader: string) => shader.startsWith('conv2d.winograd');

  test('is replaced in everything that is created at the same time, with one warning', async () => {
    using _ = makeHostile(device, { refuses });
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => warnings.push(warning);
    using engine = await createEngine({ device, tuningCache: memoryCache(), onWarning });
    const unet = await engine.createUNet(digits3x3.config);
    await Promise.all([4, 8].map((count) => engine.createPredictor(unet, { count })));
    const { variants } = await engine.createTrainer(unet, digits3x3.trainer);
    const names = warnings.map(({ code, kernel, variant }) => `${code} ${kernel}.${variant}`);
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

describe('a request for a device', () => {
  const has = (of: Iterable<unknown> | undefined) => [...(of ?? [])].length > 0;
  const asksForLimits = ({ requiredLimits }: GPUDeviceDescriptor) => has(Object.keys(requiredLimits ?? {}));
  const asksForFeatures = ({ requiredFeatures }: GPUDeviceDescriptor) => has(requiredFeatures);

  test('that is rejected for its limits or features is repeated with less, each time of a new adapter', async () => {
    const limits = hostileSource(navigator.gpu, asksForLimits);
    const { device: one } = await requestDevice(limits.source);
    expect(limits.requests.map((r) => [asksForLimits(r), asksForFeatures(r)])).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(one.features.has('subgroups')).toBe(true);
    one.destroy();

    const both = hostileSource(navigator.gpu, (r) => asksForLimits(r) || asksForFeatures(r));
    const { device: least } = await requestDevice(both.source);
    expect(both.requests).toHaveLength(3);
    expect(least.features.has('subgroups')).toBe(false);
    expect(least.limits.maxBufferSize).toBe(2 ** 28);
    const { losses } = await check(device, digits3x3);
    const outcome = await check(least, digits3x3);
    expect(outcome).toMatchObject({ warnings: [], error: undefined });
    expect(Math.abs(outcome.losses[1] / losses[1] - 1)).toBeLessThan(1e-5);
    least.destroy();
  });

  test('that is always rejected ends in the error no-adapter, with the text of the browser', async () => {
    const { source, requests } = hostileSource(navigator.gpu, () => true);
    const error = await createEngine({ gpu: source }).catch((error) => error);
    expect(error).toMatchObject({ code: 'no-adapter', cause: { name: 'OperationError', message: REFUSAL } });
    expect(error.message).toMatch(
      /not even with default limits and without features: a planted refusal\..*Reload/,
    );
    expect(requests).toHaveLength(3);
  });

  test.each(['requestAdapter', 'requestDevice'])(
    'that %s never answers is given up after 10 s',
    async (silent) => {
      await import('../../src/gpu/no_device'); // nothing loads while timers are fakes
      vi.useFakeTimers();
      try {
        let arrive = (_: unknown) => {};
        const never = () =>
          new Promise((resolve) => {
            arrive = resolve;
          });
        const adapter = { features: new Set(), limits: {}, requestDevice: never };
        const source = { requestAdapter: silent === 'requestAdapter' ? never : async () => adapter };
        const asked = requestDevice(source as unknown as GPU).catch((error) => error);
        await vi.advanceTimersByTimeAsync(9_900);
        expect(await Promise.race([asked, 'waits'])).toBe('waits');
        await vi.advanceTimersByTimeAsync(200);
        expect(await Promise.race([asked, 'waits'])).toMatchObject({
          code: 'no-adapter',
          message: expect.stringMatching(new RegExp(`^${silent} did not answer within 10 s\\.`)),
        });
        // What comes after all is not left behind.
        const destroy = vi.fn();
        arrive({ destroy });
        await vi.advanceTimersByTimeAsync(0);
        expect(destroy).toHaveBeenCalledTimes(silent === 'requestDevice' ? 1 : 0);
      } finally {
        vi.useRealTimers();
      }
    },
  );
});
