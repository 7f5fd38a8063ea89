/**
 * Adam adds up the slices of gradients itself: that must give the bits that adding them up before gives, be it for the norm, as long as
 * the gradients are not so long that they are clipped.
 */
import { expect, test } from 'vitest';
import { Program } from '../../src/gpu/program';
import { readBuffer } from '../../src/gpu/staging';
import { type AdamShape, adam } from '../../src/kernels/adam';
import { gradientNorm } from '../../src/kernels/gradient_norm';
import { gradientNormFinish } from '../../src/kernels/gradient_norm_finish';
import { flatSize, parameterCount } from '../../src/kernels/pack_weights';
import { sumSlices } from '../../src/kernels/sum_slices';
import { type Op, op } from '../../src/plan/op';
import { STATE } from '../../src/plan/step_state';
import { type Tensor, tensor, view } from '../../src/plan/tensor';
import { spec } from '../kernels/adam';
import { testGpu } from '../lanes/gpu';
import { type Arrays, Random } from '../spec';

const { gpu } = await testGpu();
const RING = 4;
const STEP = 6;

const { layers, ...settings } = spec.cases['layers of many sizes, with slices and without'];
const sliced: AdamShape = { layers, ...settings };
/** The same gradients, the sums of which lie like the parameters. */
const summed: AdamShape = {
  layers: layers.map((layer) => ({ ...layer, slices: 1, slicesOffset: layer.offset })),
  ...settings,
};
/** The same gradients, the sums of which lie in their first slices. */
const first: AdamShape = { layers: layers.map((layer) => ({ ...layer, slices: 1 })), ...settings };

const inputs = spec.inputs(sliced, new Random(1));
new Uint32Array(inputs.state.buffer)[STATE.step] = STEP;

const sizes = { ...adam.sizes(sliced), given: inputs.slices.length, records: 4 * RING };
type Tensors = Record<keyof typeof sizes, Tensor>;

/** What Adam makes of the inputs, in words; `before` are the ops before it. */
async function update(shape: AdamShape, values: Arrays, before: (tensors: Tensors) => Op[] = () => []) {
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
  const program = await Program.compile(
    gpu,
    'adam',
    [...before(tensors), op(adam, 'all', shape, tensors)],
    fixed,
  );
  try {
    await gpu.run([program]);
    const read = async (name: keyof Tensors) =>
      new Uint32Array(await readBuffer(gpu, program.buffer(tensors[name]), sizes[name]));
    const [parameter, moment1, moment2, packed, state, records] = await Promise.all(
      (['parameter', 'moment1', 'moment2', 'packed', 'state', 'records'] as const).map(read),
    );
    const floats = (words: Uint32Array) => new Float32Array(words.buffer);
    // What pads the last vec4 of a layer is nobody's.
    const own = (words: Uint32Array) =>
      layers.map((layer) => words.slice(layer.offset, layer.offset + parameterCount(layer)));
    return {
      bits: { parameter: own(parameter), moment1: own(moment1), moment2: own(moment2), packed },
      scale: floats(state)[STATE.gradientScale],
      norm: floats(state)[STATE.gradientNorm],
      records: floats(records),
    };
  } finally {
    program.destroy();
    for (const b of buffers) b.destroy();
  }
}

/** The ops that clip. */
const clipTo = (clip: number) => (tensors: Tensors) => {
  const partials = tensor('squares', gradientNorm.sizes(sliced).partials);
  const shape = { partialCount: partials.size, ring: RING, clip };
  return [
    op(gradientNorm, 'all', sliced, { slices: tensors.slices, partials }),
    op(gradientNormFinish, 'all', shape, { ...tensors, partials }),
  ];
};

/** The norm of all gradients, in f64. */
function normOf({ slices }: Arrays): number {
  let squares = 0;
  for (const layer of layers)
    for (let i = 0; i < parameterCount(layer); i++) {
      let g = 0;
      for (let s = 0; s < layer.slices; s++) g += slices[layer.slicesOffset + s * flatSize(layer) + i];
      squares += g * g;
    }
  return Math.sqrt(squares);
}

test('the sums of slices are those of sum_slices, bit by bit', async () => {
  expect(layers.some(({ slices }) => slices > 8)).toBe(true);
  const { slices: given, ...rest } = inputs;
  const sums = (tensors: Tensors) =>
    layers.map((layer, i) => {
      const size = flatSize(layer);
      const slices = view(tensors.given, 'slices', layer.slicesOffset, layer.slices * size);
      const output = view(tensors.slices, 'sum', summed.layers[i].slicesOffset, size);
      return op(sumSlices, 'sum', { size, pitch: size, count: layer.slices }, { slices, output });
    });
  const { bits } = await update(summed, { ...rest, given }, sums);
  expect(bits).toEqual((await update(sliced, inputs)).bits);
});

test('a clip that does not bite changes no bit', async () => {
  const norm = normOf(inputs);
  const clipped = await update(first, inputs, clipTo(2 * norm));
  expect(clipped.scale).toBe(1);
  expect(clipped.norm / norm).toBeCloseTo(1, 5);
  expect(clipped.bits).toEqual((await update(sliced, inputs)).bits);
});

test('a clip that bites is like smaller gradients', async () => {
  const norm = normOf(inputs);
  // By almost exactly a half.
  const { norm: found } = await update(first, inputs, clipTo(norm));
  const records = new Float32Array(4 * RING).fill(7);
  const clipped = await update(first, { ...inputs, records }, clipTo(found / 2));
  expect(clipped.norm).toBe(found);
  expect(clipped.scale).toBeCloseTo(0.5, 5);
  // The record of the step under way is the one before the next.
  expect([...clipped.records]).toEqual([
    ...records.fill(found, 4 * (STEP - 1 - RING) + 2, 4 * (STEP - 1 - RING) + 3),
  ]);

  const half = { ...inputs, slices: (inputs.slices as Float32Array).map((g) => g / 2) };
  const state = inputs.state.slice() as Uint32Array;
  new Float32Array(state.buffer)[STATE.gradientScale] = 0.5;
  const scaled = await update(sliced, { ...inputs, state });
  expect(scaled.bits).toEqual((await update(sliced, half)).bits);
  const moments = [clipped, scaled].map(({ bits }) =>
    bits.moment1.flatMap((words) => [...new Float32Array(words.buffer)]),
  );
  const differences = moments[0].map((m, i) => Math.abs(m - moments[1][i]));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1e-7);
  expect(scaled.bits.moment1).not.toEqual((await update(sliced, inputs)).bits.moment1);
});
