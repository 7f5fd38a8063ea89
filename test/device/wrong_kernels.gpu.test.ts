/**
 * The check of kernels before they are used: what is wrong is noticed before the first step.
 *
 * @module-tag nightly
 */
import { references } from 'virtual:references';
import { describe, expect, test, vi } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { type EngineOptions, requestDevice } from '../../src/index';
import { type Op, op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { memoryCache } from '../../src/trust/cache';
import { findFaults, smallShape } from '../../src/trust/small';
import { check as checkOn, digits, digits3x3, type Network, tutorial } from '../lib/checked_networks';
import { testGpu } from '../lib/gpu';
import { makeHostile } from '../lib/hostile/hostile_device';

const { gpu, kinds } = await testGpu();
const { device } = gpu;

const check = (network: Network, options?: EngineOptions) => checkOn(device, network, options);

/** What shapes of a kernel have in common beside their sizes: what they have one of, flags and the size of the kernel. */
const kindOf = (shape: object) =>
  JSON.stringify(shape, (name, value) =>
    typeof value === 'number' && value > 1 && name !== 'kernelSize' ? 'many' : value,
  );

test('the self-check finds nothing wrong in any variant of any kernel', async () => {
  for (const name of Object.keys(references)) {
    const { kernel, cases } = specs.get(name)!;
    const ops = new Map<string, Op>();
    for (const shape of Object.values(cases)) {
      for (const [variant, { refuses, features = [], for: kind }] of Object.entries(kernel.variants)) {
        if (refuses?.(shape) || features.some((f) => !device.features.has(f))) continue;
        if (kind && !kinds.includes(kind)) continue;
        const sizes = Object.entries<number>(kernel.sizes(shape));
        const tensors = Object.fromEntries(sizes.map(([label, size]) => [label, tensor(label, size)]));
        const key = `${variant} ${kindOf(smallShape(kernel, shape))}`;
        ops.set(key, op(kernel, name, shape, tensors, variant));
      }
    }
    const faults = await findFaults(gpu, [...ops.values()]);
    expect(faults.filter(Boolean), name).toEqual([]);
  }
});

/** A driver that makes something else of a piece of a shader's text. */
type Fault = readonly [shader: RegExp, text: string, becomes: string];

/** The device compiles shaders with `faults`; `planted` tells which were. */
function plant(...faults: readonly Fault[]) {
  const planted = new Set<string>();
  const rewrites = (name: string, text: string) =>
    faults.reduce((code, [shader, part, becomes]) => {
      if (!shader.test(name) || !code.includes(part)) return code;
      planted.add(name);
      return code.replaceAll(part, becomes);
    }, text);
  const hostile = makeHostile(device, { rewrites });
  return { planted, [Symbol.dispose]: () => hostile[Symbol.dispose]() };
}

/** A factor of forward convolutions, or of input gradients, which have the same shaders. */
const forward = (factor: number) => `select(1.0, ${factor}, params.biases > 0u)`;
const backward = (factor: number) => `select(1.0, ${factor}, params.biases == 0u)`;
/** The last pass of a convolution, which all of Winograd's forms share. */
const winograd = [/^conv2d\.winograd\w*_output/, '] + more;'] as const;
const wrongWinograd = [...winograd, `] * ${forward(1.05)} + more;`] as const;
const wrongAdam = [/^adam$/, ') - change', ') + change'] as const;
const swish = 'return SwishAndSlope(value, s + value * (1.0 - s));';

/** Without a sampler, for which the tuner would measure again. */
const trained: Network = { ...tutorial, methods: undefined };

const faults: Record<string, readonly [...Fault, of?: { network?: Network; kernel?: string }]> = {
  'Winograd 5% off': wrongWinograd,
  'Winograd 0.4% off': [...winograd, `] * ${forward(1.004)} + more * ${forward(1.004)};`],
  'Winograd all zero': [...winograd, `] * ${forward(0)} + more * ${forward(0)};`],
  'Winograd without bias': [...winograd, '] + 0.0 * more;'],
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
    { network: digits3x3 },
  ],
  'a pixel of a window lost': [/^conv2d_grad_upsample/, '(c + d)', '(c + c)', { network: digits3x3 }],
  'the pooled map without a gradient': [
    /^conv2d_grad_pool/,
    '(a + to_a)',
    '(a + 0.0 * to_a)',
    { network: digits3x3 },
  ],
  "Winograd's input gradient 5% off": [
    ...winograd,
    `] * ${backward(1.05)} + more;`,
    { kernel: 'conv2d_grad_input' },
  ],
  "Winograd's weight gradient 0.4% off": [/^conv2d_grad_kernel\.winograd\w*_kernel/, '= v[', '= 1.004 * v['],
  'noise that is the same twice': [/^noise\.gaussian$/, 'n / 2u + 1u', 'n / 2u'],
  'steps too short': [/^flow_step$/, '+ step.step *', '+ 0.95 * step.step *'],
  'steps without end': [/^denoise_step$/, 'vec4f(1.0))', 'vec4f(9.0))', { network: tutorial }],
};

/** The names of the variants that a network uses for convolutions. */
const convolutions = (variants: object) =>
  Object.entries(variants).flatMap(([place, variant]) => (place.startsWith('conv2d/') ? [variant] : []));

describe('the self-check before the first step finds', () => {
  test.each(Object.entries(faults))('%s', async (_, [shader, text, becomes, of = {}]) => {
    const { network = digits, kernel = /\w+/.exec(shader.source)![0] } = of;
    using device = plant([shader, text, becomes]);
    const { warnings, error, variants } = await check(network);
    expect(device.planted.size).toBeGreaterThan(0);
    const told = error ? [error] : warnings;
    expect(new Set(told.map(({ code, kernel }) => `${code} ${kernel}`))).toEqual(
      new Set([`wrong-kernel ${kernel}`]),
    );
    expect(told[0].message).toContain(`The kernel ${kernel}.`);
    // What is used in its place is none of those, each of which is named once.
    const wrong = warnings.map((w) => `${w.kernel}.${w.variant}`);
    expect(new Set(wrong).size).toBe(wrong.length);
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

/** The plain form, of which the linear layers of a conditioned network have no other. */
const plain = [/^conv2d$/, '= sums[2u', `= ${forward(1.05)} * sums[2u`] as const;

describe('a plain kernel that is wrong', () => {
  test.each<[string, Network, readonly Fault[]]>([
    ['no variant is rejected because of it', digits, [plain]],
    [
      'no variant that is as wrong is to blame',
      { ...tutorial, trainer: { batchSize: 8 } },
      [wrongWinograd, plain],
    ],
  ])('is refused, and %s', async (_, network, faults) => {
    using _planted = plant(...faults);
    const { warnings, error } = await check(network);
    expect(error).toMatchObject({ code: 'wrong-kernel', kernel: 'conv2d', variant: 'direct' });
    expect(error!.message).toMatch(/output\[\d+\] is \S+, expected \S+, and \d+ of \d+ numbers are off/);
    expect(warnings).toEqual([]);
  });

  test('is not used for comparison: its layers are not measured, and take the default', async () => {
    const usual = await check(trained);
    using _ = plant(plain);
    const { warnings, error, variants } = await check(trained, { tune: true });
    expect({ warnings, error }).toEqual({ warnings: [], error: undefined });
    expect(convolutions(variants)).toEqual(convolutions(usual.variants));
  });
});

test('a wrong kernel is not remembered as right', async () => {
  const tuningCache = memoryCache();
  {
    using _ = plant(wrongAdam);
    for (let visit = 0; visit < 2; visit++)
      expect((await check(digits, { tuningCache })).error).toMatchObject({ kernel: 'adam' });
  }
  expect((await check(digits, { tuningCache })).error).toBeUndefined();
});

test('selfCheck: false checks nothing; without onWarning, a warning goes to the console', async () => {
  using device = plant(wrongWinograd);
  const off = await check(digits, { selfCheck: false });
  expect(device.planted.size).toBeGreaterThan(0);
  expect(off).toMatchObject({ warnings: [], error: undefined });
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  expect((await check(digits, { onWarning: undefined })).error).toBeUndefined();
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('computes wrongly on this adapter'));
});

test('a device with default limits and without features trains the same network', async () => {
  const { device: least } = await requestDevice({
    async requestAdapter() {
      const adapter = (await navigator.gpu.requestAdapter())!;
      const requestDevice = adapter.requestDevice.bind(adapter);
      return Object.defineProperty(adapter, 'requestDevice', { value: () => requestDevice() });
    },
  } as GPU);
  expect(least.features.has('subgroups')).toBe(false);
  expect(least.limits.maxBufferSize).toEqual(2 ** 28);
  const { losses } = await check(digits3x3);
  const outcome = await checkOn(least, digits3x3);
  least.destroy();
  expect(outcome).toMatchObject({ warnings: [], error: undefined });
  expect(Math.abs(outcome.losses[1] / losses[1] - 1)).toBeLessThan(1e-5);
});
