/** Arrays of another realm, as Node's `vm`, and with it Jest, and another window's give them: other classes by the same names. */
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { createEngine, loadModel, readPictures, saveModel } from '../../../src/index';
import { encodeSafetensors } from '../../../src/weights/encode';
import { memoryOf } from '../../../src/worker/transfer';
import { testGpu } from '../../lib/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });

const foreign = (name: string) => runInNewContext(name) as new (values: ArrayLike<number>) => unknown;
/** The same values in the class of the same name of another realm. */
function abroad<T extends ArrayLike<number> & object>(values: T): T {
  const made = new (foreign(values.constructor.name))(values) as T;
  expect(made).not.toBeInstanceOf(values.constructor);
  return made;
}

const config = { height: 4, width: 4, widths: [4], kernelSize: 3 };
const conditioning = { noiseLevel: true, classes: 3 };
const images = (seed = 5) => new Random(seed).floats(32, 0, 1);
const same = <T>(values: T) => values;
const labels = Uint8Array.of(0, 2);

test.each([
  [
    'a step',
    async (to: typeof abroad) => {
      const unet = await engine.createUNet({ ...config, conditioning }, { seed: 1 });
      const trainer = await engine.createTrainer(unet, { batchSize: 2 });
      const [noisy, target] = [images(), images()].map(to);
      return trainer.step({ noisy, target, levels: to(Float32Array.of(0.2, 0.7)), labels: to(labels) });
    },
  ],
  [
    'predict',
    async (to: typeof abroad) => {
      const unet = await engine.createUNet({ ...config, conditioning }, { seed: 1 });
      const told = { levels: to(Float32Array.of(0.2, 0.7)), labels: to(labels) };
      return [...(await unet.predict(to(images()), { count: 2, ...told }))];
    },
  ],
  [
    'sample',
    async (to: typeof abroad) => {
      const unet = await engine.createUNet(
        { ...config, conditioning: { noiseLevel: true, classes: 0 } },
        { seed: 1 },
      );
      const sampler = await engine.createSampler(unet, { count: 2 });
      const [noise, start, mask] = [images(), images(), images()].map(to);
      const options = { steps: 2, method: 'euler', from: 0.5 } as const;
      return [...(await sampler.sample({ ...options, noise, start, mask }))];
    },
  ],
  [
    'a data set',
    async (to: typeof abroad) => {
      const bytes = to(new Uint8Array(32).map((_, i) => 7 * i));
      const set = await engine.createDataset({
        images: bytes,
        count: 2,
        height: 4,
        width: 4,
        channels: 1,
        labels: to(labels),
      });
      return set.count;
    },
  ],
  [
    'parameters',
    async (to: typeof abroad) => {
      const unet = await engine.createUNet(config, { seed: 1 });
      const parameters = await unet.getParameters();
      await unet.setParameters(new Map([...parameters].map(([name, values]) => [name, to(values)])));
      return (await saveModel(unet)).byteLength;
    },
  ],
  [
    'a model',
    async (to: typeof abroad) => {
      const unet = await engine.createUNet(config, { seed: 1 });
      return (await loadModel(to(await saveModel(unet)))).parameters.size;
    },
  ],
  [
    'safetensors',
    async (to: typeof abroad) => [
      ...encodeSafetensors([
        { name: 'floats', shape: [2], data: to(Float32Array.of(1, 2)) },
        { name: 'halves', shape: [2], data: to(Float32Array.of(1, 2)), dtype: 'F16' },
        { name: 'integers', shape: [2], data: to(Uint32Array.of(1, 2)) },
      ]),
    ],
  ],
  [
    'pictures',
    async (to: typeof abroad) => [
      ...readPictures([
        { data: to(new Uint8ClampedArray(4).fill(9)), width: 1, height: 1 },
        { data: to(new Uint8Array(4).fill(9)), width: 1, height: 1 },
      ]),
    ],
  ],
  [
    'memory to transfer',
    async (to: typeof abroad) => memoryOf(to(Float32Array.of(1)), { images: to(Uint8Array.of(1)) }).length,
  ],
])('%s: arrays of another realm give the same', async (_, use) => {
  expect(await use(abroad)).toEqual(await use(same as typeof abroad));
});

test('memory that was transferred is refused with an error that says so', () => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const refused = expect.objectContaining({
    code: 'argument',
    message: expect.stringContaining('was transferred'),
  });
  expect(() => loadModel(bytes.buffer)).toThrow(refused);
  expect(() => loadModel(bytes)).toThrow(refused);
});
