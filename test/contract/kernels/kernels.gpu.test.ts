/** Kernels by themselves, through the engine's calls, against the references of the kernels inside. */
import { references } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { createEngine } from '../../../src/index';
import { packing } from '../../../src/kernels/pack_weights';
import type { Conv2dShape } from '../../../src/standalone/conv2d';
import type { ImageLayout } from '../../../src/standalone/passes';
import type { Variants } from '../../../src/unet/variants';
import { testGpu } from '../../lib/gpu';
import { expectClose, ordersOf, roomFor, runOn, type Size, toChwn, toNhwc } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });

type Given = Record<string, Float32Array>;
type Buffers = Record<string, GPUBuffer | GPUBufferBinding>;
/** What records a kernel's commands, of buffers by name. */
type Encode = (encoder: GPUCommandEncoder, buffers: never) => void;
const run = (
  inputs: Given,
  outputs: Record<string, number>,
  encode: (...args: [GPUCommandEncoder, Buffers]) => void,
) => runOn(gpu, inputs, outputs, encode);

/** In a batch that is no multiple of 4 there is one order only. */
const layouts = (batch: number): ImageLayout[] => (batch % 4 === 0 ? ['NHWC', 'CHWN'] : ['NHWC']);

/** The references of forward and backward passes of a convolution, in the caller's order. */
function expectedConvolution(shape: Conv2dShape, given: Given) {
  const { batch: count, inChannels, outChannels, ...rest } = shape;
  const [inSize, outSize] = [inChannels, outChannels].map((channels) => ({ ...rest, channels }));
  const inside = { ...shape, batch: Math.ceil(count / 4) * 4 } as never;
  const places = packing(shape);
  const parameters = Float64Array.from([...given.kernel, ...given.bias]);
  const { packed } = references.pack_weights(inside, { parameters, packed: new Float64Array(places.size) });
  const part = ({ offset, size }: { offset: number; size: number }) => packed.subarray(offset, offset + size);
  const kernel = places.forward.size > 0 ? part(places.forward) : parameters;
  const input = toChwn(given.input, count, inSize);
  const grad = toChwn(given.outputGradient, count, outSize);
  const { output } = references.conv2d(inside, { input, kernel, bias: part(places.bias) });
  const { grad_input } = references.conv2d_grad_input(inside, { grad, kernel: part(places.backward) });
  const { gradient } = references.conv2d_grad_kernel(inside, { input, grad });
  return {
    output: toNhwc(output, count, outSize),
    inputGradient: toNhwc(grad_input, count, inSize),
    kernelGradient: gradient.subarray(0, given.kernel.length),
    biasGradient: gradient.subarray(given.kernel.length),
  };
}

/** What a convolution takes, and the sizes of what it gives. */
function ofConvolution({ batch, height, width, inChannels, outChannels, kernelSize }: Conv2dShape) {
  const random = new TestRandom(5);
  const pixels = batch * height * width;
  const taps = kernelSize ** 2 * inChannels * outChannels;
  return {
    inSize: { height, width, channels: inChannels },
    outSize: { height, width, channels: outChannels },
    given: {
      input: random.floats(pixels * inChannels),
      kernel: random.floats(taps),
      bias: random.floats(outChannels),
      outputGradient: random.floats(pixels * outChannels),
    },
    output: pixels * outChannels,
    gradients: { inputGradient: pixels * inChannels, kernelGradient: taps, biasGradient: outChannels },
  };
}

describe.each<[string, Conv2dShape]>([
  ['odd sizes', { batch: 3, height: 7, width: 5, inChannels: 3, outChannels: 5, kernelSize: 3 }],
  ['one channel in', { batch: 4, height: 8, width: 8, inChannels: 1, outChannels: 8, kernelSize: 5 }],
  ['one channel out', { batch: 2, height: 6, width: 8, inChannels: 8, outChannels: 1, kernelSize: 3 }],
])('createConv2d agrees with plain loops: %s', (_, shape) => {
  const { inSize, outSize, given, output, gradients } = ofConvolution(shape);
  const expected = expectedConvolution(shape, given);
  test.each(
    layouts(shape.batch).flatMap((layout) => [
      { layout, variants: {} as Variants | undefined, close: 1e-5 },
      { layout, variants: undefined, close: 1e-3 },
    ]),
  )('$layout, variants $variants', async ({ layout, variants, close }) => {
    using convolution = await engine.createConv2d(shape, { layout, variants });
    const { inner, outer } = ordersOf(layout, shape.batch);
    const { kernel, bias } = given;
    const input = inner(given.input, inSize);
    const outputGradient = inner(given.outputGradient, outSize);
    const forward = await run({ input, kernel, bias }, { output }, (encoder, buffers) =>
      convolution.encodeForward(encoder, buffers as never),
    );
    expectClose('output', outer(forward.output, outSize), expected.output, close);
    const backward = (inputs: Given, outputs: Record<string, number>) =>
      run(inputs, outputs, (encoder, buffers) => convolution.encodeBackward(encoder, buffers as never));
    const all = await backward({ input, kernel, outputGradient }, gradients);
    expectClose('inputGradient', outer(all.inputGradient, inSize), expected.inputGradient, close);
    for (const name of ['kernelGradient', 'biasGradient'] as const)
      expectClose(name, all[name], expected[name], close);
    // One by one they are the same.
    const { inputGradient, biasGradient } = gradients;
    const { kernelGradient: _, ...each } = all;
    expect({
      ...(await backward({ kernel, outputGradient }, { inputGradient })),
      ...(await backward({ input, outputGradient }, { biasGradient })),
    }).toEqual(each);
  });
});

type Images = Size & { readonly batch: number };
interface OfImages {
  /** How much larger a side becomes. */
  readonly scale: number;
  readonly create: (
    shape: Images,
    layout: ImageLayout,
  ) => Promise<{
    readonly encodeForward: Encode;
    readonly encodeBackward: Encode;
    readonly bytes: number;
    [Symbol.dispose](): void;
  }>;
  /** The forward pass of an input, and its gradient from the output's. */
  readonly expected: (
    shape: never,
    input: Float64Array,
    gradient: Float64Array,
  ) => { output: Float64Array; grad: Float64Array };
}
const ofImages: Record<string, OfImages> = {
  'createActivation: swish': {
    scale: 1,
    create: (shape, layout) => engine.createActivation(shape, { layout }),
    expected: (_, input, grad) => ({
      ...references.swish({ elements: input.length } as never, { input }),
      ...references.swish_grad({ elements: input.length } as never, { pre: input, grad }),
    }),
  },
  'createActivation: swish, then pooling': {
    scale: 0.5,
    create: (shape, layout) => engine.createActivation(shape, { next: 'maxPool', layout }),
    expected: (shape, input, grad_output) => ({
      ...references.swish_max_pool(shape, { input }),
      ...references.swish_max_pool_grad(shape, { pre: input, grad_output, grad: input.map(() => 0) }),
    }),
  },
  'createActivation: swish, then upsampling': {
    scale: 2,
    create: (shape, layout) => engine.createActivation(shape, { next: 'upsample', layout }),
    expected: (shape, input, grad_output) => ({
      ...references.swish_upsample_add(shape, { input, skip: grad_output.map(() => 0) }),
      ...references.swish_upsample_grad(shape, { pre: input, grad_output, grad: input.map(() => 0) }),
    }),
  },
  createPooling: {
    scale: 0.5,
    create: (shape, layout) => engine.createPooling(shape, { layout }),
    expected: (shape, input, grad_output) => ({
      ...references.max_pool(shape, { input }),
      ...references.max_pool_grad(shape, { input, grad_output }),
    }),
  },
  createUpsampling: {
    scale: 2,
    create: (shape, layout) => engine.createUpsampling(shape, { layout }),
    expected: (shape, input, grad_output) => ({
      ...references.upsample(shape, { input }),
      ...references.upsample_grad(shape, { grad_output }),
    }),
  },
};
describe.each(Object.entries(ofImages))('%s agrees with plain loops', (name, { scale, create, expected }) => {
  test.each([3, 4].flatMap((batch) => layouts(batch).map((layout) => ({ batch, layout }))))(
    '$batch images, $layout',
    async ({ batch, layout }) => {
      const size = { height: 6, width: 10, channels: 3 };
      const outSize = { ...size, height: 6 * scale, width: 10 * scale };
      const random = new TestRandom(6);
      const values = random.floats(batch * 180);
      const gradient = random.floats(batch * 180 * scale ** 2);
      const want = expected(
        { ...size, batch: 4 } as never,
        toChwn(values, batch, size),
        toChwn(gradient, batch, outSize),
      );
      using made = await create({ ...size, batch }, layout);
      expect(made.bytes).toBeGreaterThan(0);
      const { inner, outer } = ordersOf(layout, batch);
      const input = inner(values, size);
      const outputGradient = inner(gradient, outSize);
      const reads: Given = name === 'createUpsampling' ? { outputGradient } : { input, outputGradient };
      // Twice, as what the first run leaves behind must not matter.
      for (let i = 0; i < 2; i++) {
        const { output } = await run({ input }, { output: gradient.length }, (encoder, buffers) =>
          made.encodeForward(encoder, buffers as never),
        );
        expectClose('output', outer(output, outSize), toNhwc(want.output, batch, outSize), 1e-5);
        const { inputGradient } = await run(reads, { inputGradient: values.length }, (encoder, buffers) =>
          made.encodeBackward(encoder, buffers as never),
        );
        expectClose('inputGradient', outer(inputGradient, size), toNhwc(want.grad, batch, size), 1e-5);
      }
    },
  );
});

test('a kernel reads and writes parts of buffers like whole ones', async () => {
  const shape = { batch: 4, height: 3, width: 5, inChannels: 2, outChannels: 3, kernelSize: 3 };
  const { given, output, gradients } = ofConvolution(shape);
  const outputs = { output, ...gradients };
  using convolution = await engine.createConv2d(shape);
  const record = (encoder: GPUCommandEncoder, buffers: Buffers) => {
    const { input, kernel, bias, output, ...gradients } = buffers;
    convolution.encodeForward(encoder, { input, kernel, bias, output });
    convolution.encodeBackward(encoder, { input, kernel, ...gradients } as never);
  };
  const whole = await run(given, outputs, record);
  // Behind two numbers that are not theirs.
  const changed = <T, U>(all: Record<string, T>, change: (value: T) => U) =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [name, change(value)]));
  const behind = changed(given, (values) => Float32Array.of(7, 7, ...values));
  const parts = await run(
    behind,
    changed(outputs, (size) => size + 2),
    (encoder, buffers) =>
      record(
        encoder,
        changed(buffers, (buffer) => ({ buffer: buffer as GPUBuffer, offset: 8 })),
      ),
  );
  expect(parts).toEqual(changed(whole, (values) => Float32Array.of(NaN, NaN, ...values)));
});

describe('createAdam', () => {
  interface Update {
    readonly learningRate?: number;
    readonly weightDecay?: number;
    readonly clipNorm?: number;
  }

  /** Parameters after updates with decoupled decay and clipping, in plain numbers. */
  function plainAdam(
    parameters: Float32Array,
    gradients: readonly Float32Array[],
    updates: readonly Update[],
  ) {
    const b1 = 0.9;
    const b2 = 0.999;
    const epsilon = 1e-7;
    const w = Float64Array.from(parameters);
    const m = new Float64Array(w.length);
    const v = new Float64Array(w.length);
    for (const [
      step,
      { learningRate: rate = 1e-3, weightDecay = 0, clipNorm = Infinity },
    ] of updates.entries()) {
      const t = step + 1;
      const scale = Math.min(1, clipNorm / (Math.hypot(...gradients[step]) + 1e-6));
      for (let i = 0; i < w.length; i++) {
        const g = scale * gradients[step][i];
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        w[i] =
          w[i] * (1 - rate * weightDecay) -
          (rate * (m[i] / (1 - b1 ** t))) / (Math.sqrt(v[i] / (1 - b2 ** t)) + epsilon);
      }
    }
    return w;
  }

  // Neither is a multiple of 4; the second takes several workgroups.
  test.each([1, 2001])(
    'updates %d parameters as plain loops do, each time with the options that were recorded',
    async (size) => {
      const random = new TestRandom(size);
      const parameters = random.floats(size);
      const gradients = [0, 1, 2].map(() => random.floats(size, -0.1, 0.1));
      const updates = [
        { learningRate: 0.02 },
        { learningRate: 0.005, weightDecay: 0.5 },
        { learningRate: 0.01, clipNorm: 0.05 },
      ];
      using adam = await engine.createAdam(size);
      const inputs = { parameters, g0: gradients[0], g1: gradients[1], g2: gradients[2] };
      // All in one encoder, on a part of a buffer.
      const { moved } = await runOn(gpu, inputs, { moved: size + 3 }, (encoder, buffers) => {
        const at = { buffer: buffers.moved, offset: 12 };
        encoder.copyBufferToBuffer(buffers.parameters, 0, buffers.moved, 12, size * 4);
        for (const [i, update] of updates.entries())
          adam.encode(encoder, { parameters: at, gradient: buffers[`g${i}`] }, update);
      });
      expectClose('parameters', moved.subarray(3), plainAdam(parameters, gradients, updates), 2e-6);
      expect(moved.subarray(0, 3)).toEqual(Float32Array.of(NaN, NaN, NaN));
    },
  );

  test('with a gradient that is not finite changes nothing, then or later', async () => {
    const parameters = Float32Array.of(1, 2, 3, 4, 5);
    const bad = Float32Array.of(0, Number.NaN, 0, 0, 1);
    const gradient = Float32Array.of(1, -1, 2, -2, 0.5);
    using adam = await engine.createAdam(5);
    using other = await engine.createAdam(5);
    const results = await runOn(gpu, { parameters, bad, gradient }, { one: 5, two: 5 }, (encoder, b) => {
      for (const to of [b.one, b.two]) encoder.copyBufferToBuffer(b.parameters, 0, to, 0, 20);
      for (let i = 0; i < 3; i++) adam.encode(encoder, { parameters: b.one, gradient: b.bad });
      adam.encode(encoder, { parameters: b.one, gradient: b.gradient });
      other.encode(encoder, { parameters: b.two, gradient: b.gradient });
    });
    expect(results.one).toEqual(results.two);
    expect(results.two[0]).toBeCloseTo(1 - 1e-3, 6);
  });
});

describe('single kernels refuse', () => {
  const shape = { batch: 2, height: 4, width: 4, inChannels: 1, outChannels: 2, kernelSize: 3 };
  const images = { batch: 1, height: 4, width: 4, channels: 1 };

  type Make = 'createConv2d' | 'createActivation' | 'createPooling' | 'createUpsampling' | 'createAdam';
  test.each<[make: Make, of: unknown, options: object, facts: string[]]>([
    ['createConv2d', { ...shape, kernelSize: 4 }, {}, ['kernelSize is 4', 'odd']],
    ['createConv2d', { ...shape, stride: 2 }, {}, ['no setting stride', 'kernelSize']],
    ['createConv2d', shape, { layout: 'NCHW' }, ['"NCHW"', 'NHWC or CHWN']],
    ['createConv2d', shape, { layout: 'CHWN' }, ['batch is 2', 'multiple of 4']],
    ['createConv2d', shape, { variants: { 'conv2d/convolution': 'fast' } }, ['fast', 'direct']],
    ['createActivation', { ...images, height: 5 }, { next: 'maxPool' }, ['5x4', 'even']],
    ['createActivation', images, { next: 'relu' }, ['"relu"', 'maxPool']],

    ['createUpsampling', { ...images, stride: 2 }, {}, ['stride', 'channels']],

    ['createAdam', 0, {}, ['size is 0']],
    ['createAdam', 4, { beta1: 1 }, ['beta1 is 1', '0.999999']],
  ])('%s(%o, %o)', async (make, of, options, facts) => {
    await refused(() => engine[make](of as never, options), 'argument', ...facts);
  });

  test('buffers that are missing, too small or unknown, wrong options, and a call with nothing to compute', async () => {
    using convolution = await engine.createConv2d(shape);
    using forward = await engine.createConv2d(shape, { backward: false });
    using adam = await engine.createAdam(4);
    const { device } = gpu;
    const [input, kernel, bias, output] = [32, 18, 2, 64].map((count) => roomFor(gpu, count));
    const unwritable = device.createBuffer({ size: 256, usage: GPUBufferUsage.COPY_SRC });
    const encoder = device.createCommandEncoder();
    const forwards = (changed: object) => () =>
      convolution.encodeForward(encoder, { input, kernel, bias, output, ...changed });
    const backwards =
      (buffers: object, of = convolution) =>
      () =>
        of.encodeBackward(encoder, buffers as never);
    const gradient = { outputGradient: output, kernel, inputGradient: input };
    const updates =
      (changed: object, options = {}) =>
      () =>
        adam.encode(encoder, { parameters: kernel, gradient: kernel, ...changed }, options);
    for (const [work, ...facts] of [
      [forwards({ bias: undefined }), 'bias is of type Undefined'],

      [forwards({ output: undefined }), 'output is of type Undefined'],
      [forwards({ input: kernel }), 'input', '72', '128'],
      [forwards({ output: unwritable }), 'output', 'COPY_DST'],
      [forwards({ weights: kernel }), 'weights', 'kernel'],
      [backwards({ outputGradient: output }), 'inputGradient'],
      [backwards(gradient, forward), 'backward: false'],
      [backwards({ outputGradient: output, kernelGradient: kernel }), 'input is of type Undefined'],
      [updates({ gradient: bias }), 'gradient', '8', '16'],
      [updates({}, { learningRate: -1 }), 'learningRate is -1'],
      [updates({}, { rate: 1 }), 'rate', 'learningRate'],
    ] as const)
      await refused(work, 'argument', ...facts);
    // Nothing was recorded that the device would refuse.
    device.queue.submit([encoder.finish()]);
    convolution.destroy();
    adam.destroy();
    await refused(forwards({}), 'destroyed', 'convolution');
    await refused(updates({}), 'destroyed', 'adam');
  });
});
