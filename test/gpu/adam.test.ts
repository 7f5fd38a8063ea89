/** Adam adds up the slices of gradients itself: that must give the bits that adding them up before gives. */
import { expect, test } from 'vitest';
import { op, Program, type Tensor, tensor, view } from '../../src/kernel';
import { adam } from '../../src/kernels/adam';
import { flatSize } from '../../src/kernels/pack_weights';
import { sumSlices } from '../../src/kernels/sum_slices';
import { spec } from '../kernels/adam';
import { testGpu } from '../lanes/gpu';
import { Random } from '../spec';

const { gpu } = await testGpu();

test('the sums of slices are those of sum_slices, bit by bit', async () => {
  const { layers, ...settings } = spec.cases['layers of many sizes, with slices and without'];
  expect(layers.some(({ slices }) => slices > 8)).toBe(true);
  const sliced = { layers, ...settings };
  const summed = {
    layers: layers.map((layer) => ({ ...layer, slices: 1, slicesOffset: layer.offset })),
    ...settings,
  };
  const inputs = spec.inputs(sliced, new Random(1));
  const results = [];
  for (const shape of [sliced, summed]) {
    const sizes = { ...adam.sizes(shape), given: inputs.slices.length };
    const tensors = Object.fromEntries(
      Object.entries(sizes).map(([name, size]) => [name, tensor(name, size)]),
    ) as Record<keyof typeof sizes, Tensor>;
    const all = Object.values(tensors);
    const buffers = await gpu.createBuffers(all.map(({ label, size }) => ({ label, bytes: size * 4 })));
    const fixed = new Map(all.map((t, i) => [t, buffers[i]]));
    for (const [name, values] of Object.entries({ ...inputs, given: inputs.slices })) {
      if (name === 'slices' && shape === summed) continue;
      const buffer = fixed.get(tensors[name as keyof typeof sizes])!;
      gpu.device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    }
    const sums = layers.map((layer, i) => {
      const size = flatSize(layer);
      const slices = view(tensors.given, 'slices', layer.slicesOffset, layer.slices * size);
      const output = view(tensors.slices, 'sum', summed.layers[i].slicesOffset, size);
      return op(sumSlices, 'sum', { size, pitch: size, count: layer.slices }, { slices, output });
    });
    const ops = [...(shape === summed ? sums : []), op(adam, 'all', shape, tensors)];
    const program = await Program.compile(gpu, 'adam', ops, fixed);
    await gpu.run([program]);
    const words = ['parameter', 'moment1', 'moment2', 'packed'] as const;
    results.push(
      await Promise.all(
        words.map(
          async (name) => new Uint32Array(await gpu.read(program.buffer(tensors[name]), sizes[name])),
        ),
      ),
    );
    program.destroy();
    for (const b of buffers) b.destroy();
  }
  expect(results[1]).toEqual(results[0]);
});
