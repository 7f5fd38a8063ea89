/**
 * The check of kernels before they are used: what is wrong is noticed before the first step.
 *
 * @module-tag nightly
 */
import { references } from 'virtual:references';
import { describe, expect, test, vi } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { adapterName } from '../../src/gpu/adapter';
import { createEngine } from '../../src/index';
import { type Op, op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { resumeTrainer } from '../../src/resume';
import { memoryCache } from '../../src/trust/cache';
import { faultsOf } from '../../src/trust/small';
import { smallShape } from '../../src/trust/small_case';
import type { Checkpoint } from '../../src/weights/checkpoint';
import { check as checkOn, digits, type Network, tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import { makeHostile } from '../lib/hostile/hostile_device';

const { gpu, kinds } = await testGpu();
const { device } = gpu;

const check = (network: Network, options?: Parameters<typeof createEngine>[0]) =>
  checkOn(device, network, options);

/** What shapes of a kernel have in common beside their sizes: what they have one of, flags and the size of the kernel. */
const kindOf = (shape: object) =>
  JSON.stringify(shape, (name, value) =>
    typeof value === 'number' && value > 1 && name !== 'kernelSize' ? 'many' : value,
  );

test('the self-check finds nothing wrong in any variant of any kernel', async () => {
  for (const name of Object.keys(references)) {
    const spec = specs.get(name)!;
    const ops = new Map<string, Op>();
    for (const shape of Object.values(spec.cases)) {
      for (const [variant, { refuses, features = [], for: kind }] of Object.entries(spec.kernel.variants)) {
        if (refuses?.(shape) || features.some((f) => !device.features.has(f))) continue;
        if (kind && !kinds.includes(kind)) continue;
        const sizes = Object.entries<number>(spec.kernel.sizes(shape));
        const tensors = Object.fromEntries(sizes.map(([label, size]) => [label, tensor(label, size)]));
        ops.set(
          `${variant} ${kindOf(smallShape(spec.kernel, shape))}`,
          op(spec.kernel, name, shape, tensors, variant),
        );
      }
    }
    const faults = await faultsOf(gpu, [...ops.values()]);
    expect(
      faults.filter((fault) => fault !== undefined),
      name,
    ).toEqual([]);
  }
});

// ---------------------------------------------------------------- what is wrong

/** A driver that makes something else of a piece of a shader's text. */
type Fault = readonly [shader: RegExp, text: string, becomes: string];

/** The device compiles shaders with `faults`; `planted` tells which were. */
function plant(...faults: readonly Fault[]) {
  const planted = new Set<string>();
  const create = device.createShaderModule.bind(device);
  vi.spyOn(device, 'createShaderModule').mockImplementation(({ code, ...descriptor }) => {
    let text = code;
    for (const [shader, part, becomes] of faults) {
      if (!shader.test(descriptor.label!) || !text.includes(part)) continue;
      text = text.replaceAll(part, becomes);
      planted.add(descriptor.label!);
    }
    return create({ ...descriptor, code: text });
  });
  return planted;
}

/** The last pass of a convolution, which all of Winograd's forms share. */
const winograd = [/^conv2d\.winograd\w*_output/, 'output[at] = value + bias'] as const;
const wrongWinograd = [...winograd, 'output[at] = 1.05 * value + bias'] as const;
const wrongAdam = [/^adam$/, ') - change', ') + change'] as const;
const swish = 'return SwishAndSlope(value, s + value * (1.0 - s));';

/** Without a sampler, for which the tuner would measure again. */
const trained: Network = { ...tutorial, methods: undefined };
/** A network of 3x3 kernels: with what is fused into a convolution, its form compiles in a third of the time. */
const threes: Network = { ...digits, config: { ...digits.config, kernelSize: 3 } };

const faults: Record<string, readonly [...Fault, network?: Network]> = {
  'Winograd 5% off': wrongWinograd,
  'Winograd 0.4% off': [...winograd, 'output[at] = 1.004 * (value + bias)'],
  'Winograd all zero': [...winograd, 'output[at] = 0.0 * (value + bias)'],
  'Winograd without bias': [...winograd, 'output[at] = value + 0.0 * bias'],
  "swish's slope of the wrong sign": [/^swish_grad$/, swish, swish.replace('s + value', 's - value')],
  'swish that is no number': [/^swish$/, 'return z * sigmoid(z);', 'return sqrt(-1.0 - z * z);'],
  'Adam of the wrong sign': wrongAdam,
  'Adam on its first block only': [/^adam$/, 'index >= params.count', 'index >= min(1u, params.count)'],
  'Adam with gradients for their squares': [/^adam$/, '(g * g)', 'g'],
  "the loss's gradient of the wrong sign": [/^mse$/, 'difference * (2.0', 'difference * (-2.0'],
  'a gradient that is no number': [/^mse$/, 'grad[i] = ', 'grad[i] = sqrt(-1.0 - z * z) + '],
  'a loss 5% off': [/^finish_step$/, 'let loss = sum.x /', 'let loss = 1.05 * sum.x /'],
  'a step that does not count': [/^finish_step$/, 'state.step += 1u', 'state.step += 0u'],
  'a gradient norm of absolute values': [/^gradient_norm$/, 'g * g', 'abs(g)'],
  'clipping upside down': [/^finish_step$/, 'state.clip / (norm', 'state.clip * (norm'],
  'an average that moves away': [/^average_weights$/, '(1.0 - kept) *', '(kept - 1.0) *'],
  'weights in the wrong place': [/^pack_weights$/, 'bias_at + place.o', 'bias_at + 0u * place.o'],
  'the wrong velocity': [/^corrupt\.flow$/, 'e - x', 'x - e'],
  'classes withheld by mistake': [/^draw_conditions$/, 'chance <', 'chance >'],
  'sines upside down': [/^embedding$/, '- phase', '+ phase'],
  'the smallest pixel of a window': [
    /^conv2d_pool/,
    'max(columns.xy, columns.zw)',
    'min(columns.xy, columns.zw)',
    threes,
  ],
  'a pixel of a window lost': [/^conv2d_grad_upsample/, '(c + d)', '(c + c)', threes],
  'the pooled map without a gradient': [/^conv2d_grad_pool/, '(a + to_a)', '(a + 0.0 * to_a)', threes],
  "Winograd's input gradient 5% off": [
    /^conv2d_grad_input\.winograd/,
    'output[at] = value',
    'output[at] = 1.05 * value',
  ],
  "Winograd's weight gradient 0.4% off": [/^conv2d_grad_kernel\.winograd\w*_kernel/, '= v[', '= 1.004 * v['],
  'noise that is the same twice': [/^noise\.gaussian$/, 'n / 2u + 1u', 'n / 2u'],
  'steps too short': [/^flow_step$/, '+ step.step *', '+ 0.95 * step.step *'],
  'steps without end': [/^denoise_step$/, 'vec4f(1.0))', 'vec4f(9.0))', tutorial],
};

describe('the self-check before the first step finds', () => {
  test.each(Object.entries(faults))('%s', async (_, [shader, text, becomes, network = digits]) => {
    const [kernel] = /\w+/.exec(shader.source)!;
    const planted = plant([shader, text, becomes]);
    const { warnings, error, variants } = await check(network);
    expect(planted.size).toBeGreaterThan(0);
    const told = error ? [error] : warnings;
    expect(new Set(told.map((t) => t.code))).toEqual(new Set(['wrong-kernel']));
    expect(new Set(told.map((t) => t.kernel))).toEqual(new Set([kernel]));
    expect(told[0].message).toContain(`The kernel ${kernel}.`);
    // What is used in its place is none of those.
    const wrong = warnings.map((w) => `${w.kernel}.${w.variant}`);
    const used = Object.entries(variants).map(([place, variant]) => `${place.split('/')[0]}.${variant}`);
    expect(used.filter((name) => wrong.includes(name))).toEqual([]);
  });

  test('a device that runs nothing at all', async () => {
    vi.spyOn(device.queue, 'submit').mockImplementation(() => {});
    const { warnings, error } = await check(digits);
    expect(error).toMatchObject({ code: 'wrong-kernel', kernel: 'pack_weights' });
    expect(error!.message).toContain('every number of packed is 0');
    expect(warnings).toEqual([]);
  });
});

// ---------------------------------------------------------------- what follows

/** The plain form, of which the linear layers of a conditioned network have no other. */
const plain = [/^conv2d(\.image_bias)?$/, 'output[at] = sum', 'output[at] = 1.05 * sum'] as const;

describe('a kernel variant that is wrong', () => {
  test('is replaced, with one warning', async () => {
    plant(wrongWinograd);
    const { warnings, error, variants } = await check(digits);
    expect(error).toBeUndefined();
    const names = warnings.map((w) => w.variant);
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(variants).length).toBeGreaterThan(0);
    expect(Object.entries(variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
  });

  test('is refused where the caller fixed it', async () => {
    const { variants } = await check(digits);
    plant(wrongWinograd);
    const named = { code: 'wrong-kernel', message: expect.stringContaining('conv2d.winograd') };
    const fixed = await check(digits, { variants, tune: undefined });
    expect([fixed.error, fixed.warnings]).toMatchObject([named, []]);
    const trainer = { ...digits.trainer, variants };
    expect((await check({ ...digits, trainer })).error).toMatchObject(named);
  });

  test('is replaced in a run that began with it, and the run says so', async () => {
    const { variants } = await check(digits);
    plant(wrongWinograd);
    using engine = await createEngine({ device, tuningCache: memoryCache(), onWarning: () => {} });
    const unet = await engine.createUNet(digits.config);
    const begun = { variants, adapter: adapterName(gpu.adapter) } as Checkpoint;
    const { trainer, otherKernels } = await resumeTrainer(engine, unet, digits.trainer, begun);
    expect(otherKernels).toContain('conv2d.winograd');
    expect(Object.values(variants).join()).toContain('winograd');
    expect(Object.entries(trainer.variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
  });

  test('is not chosen by the tuner, even where it is measured', async () => {
    plant(wrongWinograd);
    const { error, variants } = await check(trained, { tune: true });
    expect(error).toBeUndefined();
    expect(Object.entries(variants).join(' ')).not.toMatch(/conv2d\/\S*winograd/);
  });

  test('is not to blame where the plain variant is as wrong', async () => {
    plant(wrongWinograd, plain);
    const { warnings, error } = await check({ ...tutorial, trainer: { batchSize: 8 } });
    expect(error).toMatchObject({ code: 'wrong-kernel', kernel: 'conv2d', variant: 'direct' });
    expect(warnings).toEqual([]);
  });
});

describe('a plain kernel that is wrong', () => {
  test('is refused, and no variant is rejected because of it', async () => {
    plant(plain);
    const { warnings, error } = await check(digits);
    expect(error).toMatchObject({ code: 'wrong-kernel', kernel: 'conv2d', variant: 'direct' });
    expect(error!.message).toMatch(/output\[\d+\] is \S+, expected \S+, and \d+ of \d+ numbers are off/);
    expect(warnings).toEqual([]);
  });

  test('is not used for comparison: its layers are not measured, and take the default', async () => {
    const usual = await check(trained);
    plant(plain);
    const { warnings, error, variants } = await check(trained, { tune: true });
    expect([warnings, error]).toEqual([[], undefined]);
    const ofConv2d = (of: object) => Object.entries(of).filter(([place]) => place.startsWith('conv2d/'));
    expect(ofConv2d(variants)).toEqual(ofConv2d(usual.variants));
  });
});

/** Labels of the shaders that are compiled, and how often something is checked, meanwhile. */
async function work(network: Network, options: Parameters<typeof createEngine>[0]) {
  const compiled = vi.spyOn(device, 'createShaderModule');
  const encoders = vi.spyOn(device, 'createCommandEncoder');
  const { error } = await check(network, options);
  expect(error).toBeUndefined();
  const shaders = new Set(compiled.mock.calls.map(([descriptor]) => descriptor.label));
  const checks = encoders.mock.calls.filter(([descriptor]) => descriptor?.label === 'self-check').length;
  vi.restoreAllMocks();
  return { shaders, checks };
}

test('the self-check compiles only what the network compiles anyway', async () => {
  // Before anything is compared at its real size: a sampler's first run does so, with plain kernels.
  for (const network of [digits, tutorial].map((network) => ({ ...network, methods: [] }))) {
    const without = await work(network, { selfCheck: false });
    const checked = await work(network, {});
    expect(without.checks).toBe(0);
    expect(checked.checks).toBeGreaterThan(0);
    expect(checked.shaders).toEqual(without.shaders);
  }
});

test('what passed the self-check is remembered with the adapter, in one entry', async () => {
  const tuningCache = memoryCache();
  const set = vi.spyOn(tuningCache, 'set');
  expect((await work(digits, { tuningCache })).checks).toBeGreaterThan(0);
  const keys = [...new Set(set.mock.calls.map(([key]) => key))];
  expect(keys).toEqual([expect.stringMatching(/^\["check"/)]);
  const [key] = keys;
  const value = await tuningCache.get(key);

  const get = vi.spyOn(tuningCache, 'get');
  expect((await work(digits, { tuningCache })).checks).toBe(0);
  // The other says how often it was forgotten.
  expect(get.mock.calls.flat()).toEqual([expect.stringContaining('generation'), key]);

  // Another adapter, or a store that fails.
  // A copy of it would have none of these.
  const { vendor, architecture, device: model } = device.adapterInfo;
  {
    const adapterInfo = { vendor, architecture, device: model, description: 'SwiftShader' };
    using _ = makeHostile(device, { adapterInfo });
    expect((await work(digits, { tuningCache })).checks).toBeGreaterThan(0);
  }
  expect(await tuningCache.get(key)).toBe(value);
  const broken = {
    get: () => {
      throw new Error('no store');
    },
    set: async () => Promise.reject(new Error('no store')),
  };
  expect((await work(digits, { tuningCache: broken })).checks).toBeGreaterThan(0);
});

test('a wrong kernel is not remembered as right', async () => {
  const tuningCache = memoryCache();
  plant(wrongAdam);
  expect((await check(digits, { tuningCache })).error).toMatchObject({ kernel: 'adam' });
  expect((await check(digits, { tuningCache })).error).toMatchObject({ kernel: 'adam' });
  vi.restoreAllMocks();
  expect((await check(digits, { tuningCache })).error).toBeUndefined();
});

test('selfCheck: false checks nothing; without onWarning, a warning goes to the console', async () => {
  const planted = plant(wrongWinograd);
  const off = await check(digits, { selfCheck: false });
  expect(planted.size).toBeGreaterThan(0);
  expect(off).toMatchObject({ warnings: [], error: undefined });
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  expect((await check(digits, { onWarning: undefined })).error).toBeUndefined();
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('computes wrongly on this adapter'));
});
