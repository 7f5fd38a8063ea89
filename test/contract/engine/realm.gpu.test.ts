/** Arrays of another realm, as Node's `vm`, and with it Jest, and another window's give them: other classes by the same names. */
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { createEngine, loadModel, readPictures, saveModel } from '../../../src/index';
import { encodeSafetensors } from '../../../src/weights/encode';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
afterAll(() => engine.destroy());

const foreign = (name: string) => runInNewContext(name) as new (values: ArrayLike<number>) => unknown;
/** The same values in the class of the same name of another realm. */
function abroad<T extends ArrayLike<number> & object>(values: T): T {
  const made = new (foreign(values.constructor.name))(values) as T;
  expect(made).not.toBeInstanceOf(values.constructor);
  return made;
}

const config = { height: 4, width: 4, widths: [4], kernelSize: 3 };
const networkOf = (classes: number) =>
  engine.createUNet({ ...config, conditioning: { noiseLevel: true, classes } }, { seed: 1 });
const images = () => new TestRandom(5).floats(32, 0, 1);
const labels = Uint8Array.of(0, 2);
const told = (to: typeof abroad) => ({ levels: to(Float32Array.of(0.2, 0.7)), labels: to(labels) });

const uses: Record<string, (to: typeof abroad) => unknown> = {
  async 'a step'(to) {
    const trainer = await engine.createTrainer(await networkOf(3), { batchSize: 2 });
    return trainer.step({ noisy: to(images()), target: to(images()), ...told(to) });
  },
  predict: async (to) => [...(await (await networkOf(3)).predict(to(images()), { count: 2, ...told(to) }))],
  async sample(to) {
    const sampler = await engine.createSampler(await networkOf(0), { count: 2 });
    const [noise, start, mask] = [images(), images(), images()].map(to);
    return [...(await sampler.sample({ steps: 2, method: 'euler', from: 0.5, noise, start, mask }))];
  },
  async 'a data set'(to) {
    const bytes = to(new Uint8Array(32).map((_, i) => 7 * i));
    const size = { count: 2, height: 4, width: 4, channels: 1 };
    return (await engine.createDataset({ images: bytes, ...size, labels: to(labels) })).count;
  },
  async parameters(to) {
    const unet = await engine.createUNet(config, { seed: 1 });
    const parameters = await unet.getParameters();
    await unet.setParameters(new Map([...parameters].map(([name, values]) => [name, to(values)])));
    return unet.getParameters();
  },
  'a model': async (to) => loadModel(to(await saveModel(await engine.createUNet(config, { seed: 1 })))),
  safetensors: (to) => [
    ...encodeSafetensors([
      { name: 'floats', shape: [2], data: to(Float32Array.of(1, 2)) },
      { name: 'halves', shape: [2], data: to(Float32Array.of(1, 2)), dtype: 'F16' },
      { name: 'integers', shape: [2], data: to(Uint32Array.of(1, 2)) },
    ]),
  ],
  pictures: (to) => [
    ...readPictures([
      { data: to(new Uint8ClampedArray(4).fill(9)), width: 1, height: 1 },
      { data: to(new Uint8Array(4).fill(9)), width: 1, height: 1 },
    ]),
  ],
};
test.each(Object.entries(uses))('%s: arrays of another realm give the same', async (_, use) => {
  // Of this realm are the classes by which they are compared.
  const same = (value: unknown) =>
    JSON.stringify(value, (_, each) => (each instanceof Map ? [...each] : each));
  expect(same(await use(abroad))).toBe(same(await use((values) => values)));
});

test('memory that was transferred is refused with an error that says so', async () => {
  const bytes = new Uint8Array(8);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  for (const given of [bytes.buffer, bytes])
    await refused(() => loadModel(given), 'argument', 'was transferred');
});
