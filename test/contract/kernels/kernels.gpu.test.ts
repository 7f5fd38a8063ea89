/** Kernels by themselves, through the engine's calls, against the references of the kernels inside. */
import { references } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import page from '../../../docs/kernels.md?raw';
import { Random } from '../../../harness/specs/lib/spec';
import { createEngine, type Engine } from '../../../src/index';
import { packing } from '../../../src/kernels/pack_weights';
import type { ActivationNext } from '../../../src/standalone/activation';
import type { Conv2dShape } from '../../../src/standalone/conv2d';
import type { ImageLayout } from '../../../src/standalone/passes';
import type { Variants } from '../../../src/unet/variants';
import { testGpu } from '../../lib/gpu';
import { expectClose, ordersOf, type Run, runOn, toChwn, toNhwc } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const engine: Engine = await createEngine({ device: gpu.device, selfCheck: false });

const run: Run = (inputs, outputs, record) => runOn(gpu, inputs, outputs, record);

const convolutions: Record<string, Conv2dShape> = {
  'odd sizes, kernel 3': { batch: 3, height: 7, width: 5, inChannels: 3, outChannels: 5, kernelSize: 3 },
  'kernel 1': { batch: 5, height: 4, width: 6, inChannels: 8, outChannels: 3, kernelSize: 1 },
  'one channel in, kernel 5': { batch: 4, height: 8, width: 8, inChannels: 1, outChannels: 8, kernelSize: 5 },
  'one channel out, kernel 3': {
    batch: 2,
    height: 6,
    width: 8,
    inChannels: 8,
    outChannels: 1,
    kernelSize: 3,
  },
  'as inside a network': { batch: 8, height: 14, width: 14, inChannels: 16, outChannels: 24, kernelSize: 5 },
};

/** The references of forward and backward passes, in the caller's order. */
function expectedConvolution(
  shape: Conv2dShape,
  given: Record<'input' | 'kernel' | 'bias' | 'outputGradient', Float32Array>,
) {
  const { batch: count, inChannels, outChannels, ...rest } = shape;
  const [inSize, outSize] = [inChannels, outChannels].map((channels) => ({ ...rest, channels }));
  const inside = { ...shape, batch: Math.ceil(count / 4) * 4 };
  const places = packing(shape);
  const parameters = Float64Array.from([...given.kernel, ...given.bias]);
  const { packed } = references.pack_weights(inside as never, {
    parameters,
    packed: new Float64Array(places.size),
  });
  const part = ({ offset, size }: { offset: number; size: number }) => packed.subarray(offset, offset + size);
  const kernel = places.forward.size > 0 ? part(places.forward) : parameters;
  const input = toChwn(given.input, count, inSize);
  const grad = toChwn(given.outputGradient, count, outSize);
  const { output } = references.conv2d(inside as never, { input, kernel, bias: part(places.bias) });
  const { grad_input } = references.conv2d_grad_input(inside as never, {
    grad,
    kernel: part(places.backward),
  });
  const { gradient } = references.conv2d_grad_kernel(inside as never, { input, grad });
  return {
    output: toNhwc(output, count, outSize),
    inputGradient: toNhwc(grad_input, count, inSize),
    kernelGradient: gradient.subarray(0, given.kernel.length),
    biasGradient: gradient.subarray(given.kernel.length),
  };
}

/** In a batch that is no multiple of 4 there is one order only. */
const layouts = (batch: number): ImageLayout[] => (batch % 4 === 0 ? ['NHWC', 'CHWN'] : ['NHWC']);

describe.each(Object.entries(convolutions))('createConv2d agrees with plain loops: %s', (_, shape) => {
  const { batch, height, width, inChannels, outChannels, kernelSize } = shape;
  const random = new Random(5);
  const [inSize, outSize] = [inChannels, outChannels].map((channels) => ({ height, width, channels }));
  const values = {
    input: random.floats(batch * height * width * inChannels),
    kernel: random.floats(kernelSize ** 2 * inChannels * outChannels),
    bias: random.floats(outChannels),
    outputGradient: random.floats(batch * height * width * outChannels),
  };
  const expected = expectedConvolution(shape, values);

  const cases = layouts(batch).flatMap((layout) => [
    { layout, variants: {} as Variants | undefined, close: 1e-5 },
    { layout, variants: undefined, close: 1e-3 },
  ]);
  test.each(cases)('$layout, variants $variants', async ({ layout, variants, close }) => {
    using convolution = await engine.createConv2d(shape, { layout, variants });
    const { inner, outer } = ordersOf(layout, batch);
    const { kernel, bias } = values;
    const input = inner(values.input, inSize);
    const outputGradient = inner(values.outputGradient, outSize);
    const { output } = await run(
      { input, kernel, bias },
      { output: outputGradient.length },
      (encoder, buffers) => convolution.encodeForward(encoder, buffers as never),
    );
    expectClose('output', outer(output, outSize), expected.output, close);
    const sizes = { inputGradient: input.length, kernelGradient: kernel.length, biasGradient: outChannels };
    const all = await run({ input, kernel, outputGradient }, sizes, (encoder, buffers) =>
      convolution.encodeBackward(encoder, buffers as never),
    );
    expectClose('inputGradient', outer(all.inputGradient, inSize), expected.inputGradient, close);
    expectClose('kernelGradient', all.kernelGradient, expected.kernelGradient, close);
    expectClose('biasGradient', all.biasGradient, expected.biasGradient, close);
    // One by one they are the same.
    const alone = await run({ kernel, outputGradient }, { inputGradient: input.length }, (encoder, buffers) =>
      convolution.encodeBackward(encoder, buffers as never),
    );
    expect(alone.inputGradient).toEqual(all.inputGradient);
    const { biasGradient } = await run(
      { input, outputGradient },
      { biasGradient: outChannels },
      (encoder, buffers) => convolution.encodeBackward(encoder, buffers as never),
    );
    expect(biasGradient).toEqual(all.biasGradient);
  });
});

describe.each<ActivationNext>(['nothing', 'maxPool', 'upsample'])(
  'createActivation agrees with plain loops: swish, then %s',
  (next) => {
    const scale = { nothing: 1, maxPool: 0.5, upsample: 2 }[next];
    test.each([3, 4].flatMap((batch) => layouts(batch).map((layout) => ({ batch, layout }))))(
      '$batch images, $layout',
      async ({ batch, layout }) => {
        const size = { height: 6, width: 4, channels: 3 };
        const outSize = { ...size, height: size.height * scale, width: size.width * scale };
        const random = new Random(6);
        const values = random.floats(batch * size.height * size.width * size.channels);
        const gradient = random.floats(batch * outSize.height * outSize.width * outSize.channels);
        const inside = { ...size, batch: Math.ceil(batch / 4) * 4 };
        const pre = toChwn(values, batch, size);
        const grad_output = toChwn(gradient, batch, outSize);
        const skip = new Float64Array(grad_output.length);
        const grad = new Float64Array(pre.length);
        const expected = {
          nothing: () => ({
            ...references.swish({ elements: pre.length } as never, { input: pre }),
            ...references.swish_grad({ elements: pre.length } as never, { pre, grad: grad_output }),
          }),
          maxPool: () => ({
            ...references.swish_max_pool(inside as never, { input: pre }),
            ...references.swish_max_pool_grad(inside as never, { pre, grad_output, grad }),
          }),
          upsample: () => ({
            ...references.swish_upsample_add(inside as never, { input: pre, skip }),
            ...references.swish_upsample_grad(inside as never, { pre, grad_output, grad }),
          }),
        }[next]();
        using activation = await engine.createActivation({ ...size, batch }, { next, layout });
        const { inner, outer } = ordersOf(layout, batch);
        const input = inner(values, size);
        const outputGradient = inner(gradient, outSize);
        // Twice, as what the first run leaves behind must not matter.
        for (let i = 0; i < 2; i++) {
          const { output } = await run({ input }, { output: outputGradient.length }, (encoder, buffers) =>
            activation.encodeForward(encoder, buffers as never),
          );
          expectClose('output', outer(output, outSize), toNhwc(expected.output, batch, outSize), 1e-5);
          const { inputGradient } = await run(
            { input, outputGradient },
            { inputGradient: input.length },
            (encoder, buffers) => activation.encodeBackward(encoder, buffers as never),
          );
          expectClose('inputGradient', outer(inputGradient, size), toNhwc(expected.grad, batch, size), 1e-5);
        }
      },
    );
  },
);

test('standalone operations read and write parts of buffers like whole ones', async () => {
  const shape = { batch: 4, height: 3, width: 5, inChannels: 2, outChannels: 3, kernelSize: 3 };
  const random = new Random(9);
  const inputs = {
    input: random.floats(4 * 15 * 2),
    kernel: random.floats(9 * 2 * 3),
    bias: random.floats(3),
    outputGradient: random.floats(4 * 15 * 3),
  };
  const outputs = {
    output: 4 * 15 * 3,
    inputGradient: 4 * 15 * 2,
    kernelGradient: 9 * 2 * 3,
    biasGradient: 3,
  };
  using convolution = await engine.createConv2d(shape);
  const record = (encoder: GPUCommandEncoder, buffers: Record<string, GPUBuffer | GPUBufferBinding>) => {
    const { input, kernel, bias, output, ...gradients } = buffers;
    convolution.encodeForward(encoder, { input, kernel, bias, output });
    convolution.encodeBackward(encoder, { input, kernel, ...gradients } as never);
  };
  const whole = await run(inputs, outputs, record);
  // Behind two numbers that are not theirs.
  const behind = Object.entries(inputs).map(([name, values]) => [name, Float32Array.of(7, 7, ...values)]);
  const sizes = Object.entries(outputs).map(([name, size]) => [name, size + 2]);
  const parts = await run(Object.fromEntries(behind), Object.fromEntries(sizes), (encoder, buffers) => {
    const slices = Object.entries(buffers).map(([name, buffer]) => [name, { buffer, offset: 8 }]);
    record(encoder, Object.fromEntries(slices));
  });
  for (const [name, values] of Object.entries(whole)) {
    expect([...parts[name].subarray(0, 2)], `before ${name}`).toEqual([Number.NaN, Number.NaN]);
    expect(parts[name].subarray(2), name).toEqual(values);
  }
});

test('the program of docs/kernels.md runs', async () => {
  const [, code] = /^```js\n(.*?)^```/ms.exec(page)!;
  const images = 64 * 28 * 28;
  const random = new Random(8);
  const inputs = {
    input: random.floats(images * 8),
    kernel: random.floats(25 * 8 * 16),
    bias: random.floats(16),
    pooledGradient: random.floats(images * 4),
  };
  const outputs = {
    ...{ output: images * 16, pooled: images * 4, outputGradient: images * 16, inputGradient: images * 8 },
    ...{ kernelGradient: inputs.kernel.length, biasGradient: 16 },
  };
  const names = [...Object.keys(inputs), ...Object.keys(outputs)];
  // The program submits its own encoder before `run` submits an empty one.
  const Program = (async () => {}).constructor as new (
    ...code: string[]
  ) => (...given: unknown[]) => Promise<void>;
  const program = new Program('createEngine', 'device', ...names, code.replace(/^import .*$/m, ''));
  const results = await run(inputs, outputs, (_, buffers) =>
    program(() => engine, gpu.device, ...names.map((name) => buffers[name])),
  );
  for (const [name, values] of Object.entries(results)) {
    expect(values.every(Number.isFinite), name).toBe(true);
    expect(Math.max(...values.subarray(0, 1000)), name).toBeGreaterThan(0);
  }
});

describe('standalone operations refuse', () => {
  const shape = { batch: 2, height: 4, width: 4, inChannels: 1, outChannels: 2, kernelSize: 3 };

  test.each<[object, object, string[]]>([
    [{ ...shape, kernelSize: 4 }, {}, ['kernelSize is 4', 'odd']],
    [{ ...shape, height: 0 }, {}, ['height is 0']],
    [{ ...shape, batch: Number.NaN }, {}, ['batch is NaN']],
    [{ ...shape, stride: 2 }, {}, ['no setting stride', 'kernelSize']],
    [shape, { layout: 'NCHW' }, ['"NCHW"', 'NHWC or CHWN']],
    [shape, { layout: 'CHWN' }, ['batch is 2', 'multiple of 4']],
    [shape, { variants: { 'conv2d/convolution': 'fast' } }, ['fast', 'direct']],
  ])('createConv2d(%o, %o)', async (wrong, options, facts) => {
    await refused(() => engine.createConv2d(wrong as Conv2dShape, options), 'argument', ...facts);
  });

  test.each<[object, object, string[]]>([
    [{ batch: 1, height: 5, width: 4, channels: 1 }, { next: 'maxPool' }, ['5x4', 'even']],
    [{ batch: 1, height: 4, width: 4, channels: 0 }, {}, ['channels is 0']],
    [{ batch: 1, height: 4, width: 4, channels: 1 }, { next: 'relu' }, ['"relu"', 'maxPool']],
  ])('createActivation(%o, %o)', async (wrong, options, facts) => {
    await refused(() => engine.createActivation(wrong as never, options), 'argument', ...facts);
  });

  test('buffers that are missing, too small or unknown, and a call with nothing to compute', async () => {
    using convolution = await engine.createConv2d(shape);
    using forward = await engine.createConv2d(shape, { backward: false });
    const { device } = gpu;
    const buffer = (size: number, usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST) =>
      device.createBuffer({ size, usage });
    const good = { input: buffer(128), kernel: buffer(72), bias: buffer(8), output: buffer(256) };
    const encoder = device.createCommandEncoder();
    const forwards = (changed: object, what = encoder) =>
      convolution.encodeForward(what, { ...good, ...changed });
    await refused(() => forwards({ bias: undefined }), 'argument', 'bias is of type Undefined');
    await refused(() => forwards({ output: undefined }), 'argument', 'output is of type Undefined');
    await refused(() => forwards({ output: null }), 'argument', 'output is of type Null');
    await refused(() => forwards({ input: buffer(64) }), 'argument', 'input', '64', '128');
    await refused(
      () => forwards({ output: buffer(256, GPUBufferUsage.COPY_SRC) }),
      'argument',
      'output',
      'COPY_DST',
    );
    await refused(() => forwards({ weights: good.kernel }), 'argument', 'weights', 'kernel');
    await refused(() => forwards({}, null as never), 'argument', 'GPUCommandEncoder');
    await refused(() => convolution.encodeForward(encoder, undefined as never), 'argument', 'input, kernel');
    const { output: outputGradient, kernel, input } = good;
    await refused(() => convolution.encodeBackward(encoder, { outputGradient }), 'argument', 'inputGradient');
    const backward = { outputGradient, kernel, inputGradient: input };
    await refused(() => forward.encodeBackward(encoder, backward), 'argument', 'backward: false');
    await refused(
      () => convolution.encodeBackward(encoder, { outputGradient, kernelGradient: kernel }),
      'argument',
      'input is of type Undefined',
    );
    // Nothing was recorded that the device would refuse.
    device.queue.submit([encoder.finish()]);
    convolution.destroy();
    await refused(() => forwards({}), 'destroyed', 'convolution');
  });
});
