/**
 * From the slices of gradients to the weights: gradient_norm, finish_step and adam one after the other. While the gradients are too short
 * to be clipped, the three must give the bits of adding up the slices and nothing else; gradients that are not finite change nothing at all.
 */
import { expect, test } from 'vitest';
import { spec } from '../../harness/specs/adam';
import { spec as normSpec } from '../../harness/specs/gradient_norm';
import { type Arrays, Random } from '../../harness/specs/lib/spec';
import { Program } from '../../src/gpu/program';
import { readBuffer } from '../../src/gpu/staging';
import { adam } from '../../src/kernels/adam';
import { type FinishStepShape, finishStep } from '../../src/kernels/finish_step';
import { gradientNorm } from '../../src/kernels/gradient_norm';
import { flatSize, parameterCount } from '../../src/kernels/pack_weights';
import { sumSlices } from '../../src/kernels/sum_slices';
import { type Op, op } from '../../src/plan/op';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { type Tensor, tensor, view } from '../../src/plan/tensor';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const RING = 4;
const STEP = 6;
const IMAGES = 3;

const { layers: placed, ...settings } = spec.cases['layers of many sizes'];
const sliced = normSpec.cases['layers of many sizes, with slices and without'];
/** The layers with their slices, the sums of which lie in the first ones. */
const layers = placed.map((layer, i) => ({
  ...layer,
  ...sliced.layers[i],
  gradientOffset: sliced.layers[i].slicesOffset,
}));
const shape = { layers, ...settings };
const { slices: size, partials } = gradientNorm.sizes({ layers });
const finish: FinishStepShape = {
  elements: 1,
  batch: 4,
  batchSize: IMAGES,
  gradientPartials: partials,
  convolutionPartials: partials,
  ring: RING,
  beta1: settings.beta1,
  beta2: settings.beta2,
};

const inputs: Arrays = {
  ...spec.inputs(shape, new Random(1)),
  gradient: normSpec.inputs(sliced, new Random(2)).slices,
  squares: Float32Array.of(0.5),
};
const state = new Uint32Array(inputs.state.buffer);
[state[STATE.step], state[STATE.count], state[STATE.epochSize]] = [STEP, IMAGES, 100];
new Float32Array(state.buffer)[STATE.clip] = 1e30;

/** The inputs, with a largest norm. */
function clippedAt(norm: number): Arrays {
  const words = state.slice();
  new Float32Array(words.buffer)[STATE.clip] = norm;
  return { ...inputs, state: words };
}

const sizes = {
  ...adam.sizes(shape),
  gradient: size,
  given: size,
  squares: 1,
  gradient_squares: partials,
  records: 4 * (RING + 1),
};
type Tensors = Record<keyof typeof sizes, Tensor>;

const norm = ({ gradient: slices, gradient_squares: partials }: Tensors) =>
  op(gradientNorm, 'all', { layers }, { slices, partials });
const finished = (tensors: Tensors) => op(finishStep, 'all', finish, tensors);
/** What a step does. */
const whole = [norm, finished];

/** What Adam makes of the inputs, in words, after the ops that come `before`. */
async function update(values: Arrays, before: ((tensors: Tensors) => Op | Op[])[]) {
  const tensors = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, tensor(name, size)]),
  ) as Tensors;
  const all = Object.values(tensors);
  const buffers = await gpu.createBuffers(all.map(({ label, size }) => ({ label, bytes: size * 4 })));
  const fixed = new Map(all.map((t, i) => [t, buffers[i]]));
  for (const [name, array] of Object.entries(values))
    gpu.device.queue.writeBuffer(
      fixed.get(tensors[name as keyof Tensors])!,
      0,
      array as Float32Array<ArrayBuffer>,
    );
  const ops = [...before.flatMap((make) => make(tensors)), op(adam, 'all', shape, tensors)];
  const program = await Program.compile(gpu, 'adam', ops, fixed);
  try {
    await gpu.run([program]);
    const read = async (name: keyof Tensors) =>
      new Uint32Array(await readBuffer(gpu, program.buffer(tensors[name]), sizes[name]));
    const [parameter, moment1, moment2, packed, state, records] = await Promise.all(
      (['parameter', 'moment1', 'moment2', 'packed', 'state', 'records'] as const).map(read),
    );
    // What pads the last vec4 of a layer is not compared.
    const own = (words: Uint32Array) =>
      layers.map((layer) => words.slice(layer.offset, layer.offset + parameterCount(layer)));
    return {
      bits: { parameter: own(parameter), moment1: own(moment1), moment2: own(moment2), packed },
      state,
      scale: new Float32Array(state.buffer)[STATE.gradientScale],
      records: new Float32Array(records.buffer),
    };
  } finally {
    program.destroy();
    for (const b of buffers) b.destroy();
  }
}

/** The norm of all gradients, in f64. */
function normOf({ gradient: slices }: Arrays): number {
  let squares = 0;
  for (const layer of layers)
    for (let i = 0; i < parameterCount(layer); i++) {
      let g = 0;
      for (let s = 0; s < layer.slices; s++) g += slices[layer.slicesOffset + s * flatSize(layer) + i];
      squares += g * g;
    }
  return Math.sqrt(squares);
}

test('Adam adds up the slices of gradients bit by bit as sum_slices does', async () => {
  expect(layers.some(({ slices }) => slices > 8)).toBe(true);
  const { gradient: given, ...rest } = inputs;
  const sums = (tensors: Tensors) =>
    layers.map((layer) => {
      const size = flatSize(layer);
      const slices = view(tensors.given, 'slices', layer.slicesOffset, layer.slices * size);
      const output = view(tensors.gradient, 'sum', layer.gradientOffset, size);
      return op(sumSlices, 'sum', { size, pitch: size, count: layer.slices }, { slices, output });
    });
  const { bits } = await update({ ...rest, given }, [sums, finished]);
  expect(bits).toEqual((await update(inputs, whole)).bits);
});

test('a clipNorm that no gradient exceeds changes no bit of Adam’s update', async () => {
  const norm = normOf(inputs);
  const clipped = await update(clippedAt(2 * norm), whole);
  expect(clipped.scale).toBe(1);
  expect(clipped.records[4 * (STEP % RING) + 2] / norm).toBeCloseTo(1, 5);
  const plain = await update(inputs, whole);
  expect(plain.scale).toBe(1);
  expect(clipped.bits).toEqual(plain.bits);
});

test('a clipNorm at half the gradient’s norm updates like half the gradient', async () => {
  // By almost exactly a half.
  const found = (await update(inputs, whole)).records[4 * (STEP % RING) + 2];
  const clipped = await update(clippedAt(found / 2), whole);
  expect(clipped.scale).toBeCloseTo(0.5, 5);
  const half = { ...inputs, gradient: (inputs.gradient as Float32Array).map((g) => g / 2) };
  const scaled = await update(half, whole);
  const moments = [clipped, scaled].map(({ bits }) =>
    bits.moment1.flatMap((words) => [...new Float32Array(words.buffer)]),
  );
  const differences = moments[0].map((m, i) => Math.abs(m - moments[1][i]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1e-7);
  expect(scaled.bits.moment1).not.toEqual((await update(inputs, whole)).bits.moment1);
});

const places = layers.flatMap(({ slices }, i) => [...new Set([0, slices - 1])].map((slice) => [i, slice]));
test.each(places)(
  'a gradient that is not finite in layer %i, slice %i, changes nothing',
  async (i, slice) => {
    const layer = layers[i];
    const first = layer.slicesOffset + slice * flatSize(layer);
    for (const at of [first, first + parameterCount(layer) - 1])
      for (const value of [Number.NaN, Number.NEGATIVE_INFINITY, 1e30]) {
        const gradient = (inputs.gradient as Float32Array).slice();
        gradient[at] = value;
        const records = new Float32Array(4 * (RING + 1)).fill(7);
        const { bits, state, records: after } = await update({ ...inputs, gradient, records }, whole);
        const words = (name: string) => new Uint32Array(inputs[name].buffer as ArrayBuffer);
        expect(bits.packed).toEqual(words('packed'));
        for (const name of ['parameter', 'moment1', 'moment2'] as const)
          for (const [l, { offset }] of layers.entries())
            expect(bits[name][l]).toEqual(words(name).slice(offset, offset + bits[name][l].length));
        const before = Uint32Array.from(words('state').subarray(0, STATE_WORDS));
        before[STATE.skipped] = 1;
        expect(state).toEqual(before);
        // Each layer is a block.
        expect(partials).toBe(layers.length);
        expect(after[4 * RING + 3]).toBe(2 + i);
        expect([...after.subarray(0, 4 * RING)]).toEqual(Array(4 * RING).fill(7));
      }
  },
);
