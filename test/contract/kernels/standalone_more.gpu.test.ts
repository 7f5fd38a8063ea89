/** Pooling, upsampling and Adam by themselves, through the engine's calls. */
import { references } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { createEngine } from '../../../src/index';
import { testGpu } from '../../lib/gpu';
import { expectClose, ordersOf, type Run, roomFor, runOn, toChwn, toNhwc } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
const run: Run = (inputs, outputs, record) => runOn(gpu, inputs, outputs, record);

const layouts = [
  { batch: 3, layout: 'NHWC' },
  { batch: 4, layout: 'NHWC' },
  { batch: 4, layout: 'CHWN' },
] as const;

describe.each(['createPooling', 'createUpsampling'] as const)('%s agrees with plain loops', (make) => {
  const scale = make === 'createPooling' ? 0.5 : 2;
  test.each(layouts)('$batch images, $layout', async ({ batch, layout }) => {
    const size = { height: 6, width: 10, channels: 3 };
    const outSize = { ...size, height: 6 * scale, width: 10 * scale };
    const random = new Random(6);
    const values = random.floats(batch * 180);
    const gradient = random.floats(batch * 180 * scale * scale);
    const inside = { ...size, batch: 4 } as never;
    const input = toChwn(values, batch, size);
    const grad_output = toChwn(gradient, batch, outSize);
    const expected =
      make === 'createPooling'
        ? {
            ...references.max_pool(inside, { input }),
            ...references.max_pool_grad(inside, { input, grad_output }),
          }
        : {
            ...references.upsample(inside, { input }),
            ...references.upsample_grad(inside, { grad_output }),
          };
    using made = await engine[make]({ ...size, batch }, { layout });
    const { inner, outer } = ordersOf(layout, batch);
    const given = { input: inner(values, size), outputGradient: inner(gradient, outSize) };
    const { output } = await run({ input: given.input }, { output: gradient.length }, (encoder, buffers) =>
      made.encodeForward(encoder, buffers as never),
    );
    expectClose('output', outer(output, outSize), toNhwc(expected.output, batch, outSize), 1e-7);
    const { outputGradient } = given;
    const reads = make === 'createPooling' ? given : { outputGradient };
    const { inputGradient } = await run(reads, { inputGradient: values.length }, (encoder, buffers) =>
      made.encodeBackward(encoder, buffers as never),
    );
    expectClose('inputGradient', outer(inputGradient, size), toNhwc(expected.grad, batch, size), 1e-6);
    expect(made.bytes).toBeGreaterThan(0);
  });
});

describe('createAdam', () => {
  /** Adam with decoupled decay and clipping in plain numbers. */
  function* plainAdam(parameters: Float32Array, b1 = 0.9, b2 = 0.999, epsilon = 1e-7) {
    const w = Float64Array.from(parameters);
    const [m, v] = [new Float64Array(w.length), new Float64Array(w.length)];
    let update: { gradient: Float32Array; rate: number; decay?: number; clip?: number } = yield w;
    for (let t = 1; ; t++) {
      const { gradient, rate, decay = 0, clip = Number.POSITIVE_INFINITY } = update;
      const norm = Math.hypot(...gradient);
      const scale = Math.min(1, clip / (norm + 1e-6));
      for (let i = 0; i < w.length; i++) {
        const g = scale * gradient[i];
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        w[i] =
          w[i] * (1 - rate * decay) -
          (rate * (m[i] / (1 - b1 ** t))) / (Math.sqrt(v[i] / (1 - b2 ** t)) + epsilon);
      }
      update = yield w;
    }
  }

  // One number of parameters is no multiple of 4, and takes several workgroups.
  test.each([1, 301, 2001])(
    'updates %d parameters as plain loops do, each time with the options that were recorded',
    async (size) => {
      const random = new Random(size);
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
      const { moved } = await run(inputs, { moved: size + 3 }, (encoder, buffers) => {
        const at = { buffer: buffers.moved, offset: 12 };
        encoder.copyBufferToBuffer(buffers.parameters, 0, buffers.moved, 12, size * 4);
        for (const [i, update] of updates.entries())
          adam.encode(encoder, { parameters: at, gradient: buffers[`g${i}`] }, update);
      });
      const expected = plainAdam(parameters);
      expected.next();
      for (const [i, { learningRate: rate, weightDecay: decay, clipNorm: clip }] of updates.entries())
        expected.next({ gradient: gradients[i], rate, decay, clip });
      const { value } = expected.next({ gradient: new Float32Array(size), rate: 0 });
      expectClose('parameters', moved.subarray(3), value as Float64Array, 2e-6);
      expect([...moved.subarray(0, 3)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    },
  );

  test('with a gradient that is not finite changes nothing, then or later', async () => {
    const parameters = Float32Array.of(1, 2, 3, 4, 5);
    const bad = Float32Array.of(0, Number.NaN, 0, 0, 1);
    const gradient = Float32Array.of(1, -1, 2, -2, 0.5);
    using adam = await engine.createAdam(5);
    using other = await engine.createAdam(5);
    const results = await run({ parameters, bad, gradient }, { one: 5, two: 5 }, (encoder, b) => {
      for (const to of [b.one, b.two]) encoder.copyBufferToBuffer(b.parameters, 0, to, 0, 20);
      for (let i = 0; i < 3; i++) adam.encode(encoder, { parameters: b.one, gradient: b.bad });
      adam.encode(encoder, { parameters: b.one, gradient: b.gradient });
      other.encode(encoder, { parameters: b.two, gradient: b.gradient });
    });
    expect(results.one).toEqual(results.two);
    expect(results.two[0]).toBeCloseTo(1 - 1e-3, 6);
  });
});

describe('pooling, upsampling and Adam refuse', () => {
  const shape = { batch: 1, height: 4, width: 4, channels: 1 };

  test.each<[string, () => Promise<unknown>, string[]]>([
    ['an odd height', () => engine.createPooling({ ...shape, height: 5 }), ['5x4', 'even']],
    [
      'an unknown setting',
      () => engine.createUpsampling({ ...shape, stride: 2 } as never),
      ['stride', 'channels'],
    ],
    [
      'an unknown layout',
      () => engine.createUpsampling(shape, { layout: 'NCHW' as never }),
      ['"NCHW"', 'NHWC'],
    ],
    ['no parameters', () => engine.createAdam(0), ['size is 0']],
    ['a beta of 1', () => engine.createAdam(4, { beta1: 1 }), ['beta1 is 1', '0.999999']],
  ])('%s', async (_, make, facts) => void (await refused(make, 'argument', ...facts)));

  test('wrong options and buffers of an update', async () => {
    using adam = await engine.createAdam(4);
    const { device } = gpu;
    const [parameters, gradient, small] = [4, 4, 3].map((count) => roomFor(gpu, count));
    const encoder = device.createCommandEncoder();
    const given = { parameters, gradient };
    await refused(
      () => adam.encode(encoder, { ...given, gradient: small }),
      'argument',
      'gradient',
      '12',
      '16',
    );
    await refused(() => adam.encode(encoder, undefined as never), 'argument', 'parameters, gradient');
    await refused(() => adam.encode(null as never, given), 'argument', 'GPUCommandEncoder');
    await refused(() => adam.encode(encoder, given, { learningRate: -1 }), 'argument', 'learningRate is -1');
    await refused(
      () => adam.encode(encoder, given, { rate: 1 } as never),
      'argument',
      'rate',
      'learningRate',
    );
    device.queue.submit([encoder.finish()]); // nothing was recorded that the device would refuse
    adam.destroy();
    await refused(() => adam.encode(encoder, given), 'destroyed', 'adam');
  });
});
