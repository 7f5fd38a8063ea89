/** Pictures of the browser's where images are taken. */
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { createEngine } from '../../src/engine';
import { readBuffer } from '../../src/gpu/staging';
import { type Picture, type Pixels, readPictures } from '../../src/index';
import { refused } from '../data/refused';
import { testGpu } from '../lanes/gpu';

const { gpu, lane } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
const random = new Random(3);

const size = { height: 4, width: 8, channels: 3 };
const config = { ...size, widths: [4, 4], kernelSize: 3 };

/** Opaque pixels, which no way through a canvas changes. */
function pixels(): Pixels {
  const data = Uint8ClampedArray.from(random.integers(4 * 32, 256), (v, i) => (i % 4 === 3 ? 255 : v));
  return { data, width: 8, height: 4 };
}

const some = [pixels(), pixels(), pixels()];
const arrays = (range: readonly [number, number]) => readPictures(some, { ...size, range });

/** The same pictures as each kind that a browser has. */
async function kinds(): Promise<Record<string, Picture[]>> {
  if (lane === 'node') return { bytes: some };
  const data = some.map((p) => new ImageData(p.data as Uint8ClampedArray<ArrayBuffer>, p.width, p.height));
  const canvases = data.map((image) => {
    const canvas = new OffscreenCanvas(8, 4);
    canvas.getContext('2d')!.putImageData(image, 0, 0);
    return canvas;
  });
  const elements = data.map((image) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 4 });
    canvas.getContext('2d')!.putImageData(image, 0, 0);
    return canvas;
  });
  const bitmaps = await Promise.all(data.map((image) => createImageBitmap(image)));
  return { bytes: some, ImageData: data, OffscreenCanvas: canvases, canvas: elements, ImageBitmap: bitmaps };
}

test.each(Object.entries(await kinds()))(
  '%s: into a data set, a prediction and the start of a run',
  async (_, pictures) => {
    using dataset = await engine.createDataset({ pictures, channels: 3, labels: Uint8Array.of(1, 0, 1) });
    expect(dataset).toMatchObject({ ...size, count: 3, maxLabel: 1 });
    const bytes = new Uint8Array(await readBuffer(gpu, dataset.buffer, dataset.buffer.size / 4));
    expect([...bytes]).toEqual(some.flatMap(({ data }) => [...data].filter((_, i) => i % 4 < 3)));

    using unet = await engine.createUNet(config, { seed: 1 });
    expect(await unet.predict(pictures)).toEqual(await unet.predict(arrays([0, 1]), 3));
    expect(await unet.predict(pictures[1])).toEqual(await unet.predict(readPictures(some[1], size)));

    using told = await engine.createUNet(
      { ...config, conditioning: { noiseLevel: true, classes: 0 } },
      { seed: 1 },
    );
    const levels = Float32Array.of(0.2, 0.5, 0.9);
    const predicted = await told.predict(pictures, 3, { levels });
    expect(predicted).toEqual(await told.predict(arrays([-1, 1]), 3, { levels }));

    using sampler = await engine.createSampler(told, { count: 3 });
    const mask = new Float32Array(3 * 96).fill(1, 0, 50);
    const run = { steps: 2, seed: 4, from: 0.6 };
    const expected = await sampler.sample({ ...run, start: arrays([0, 1]), mask });
    expect(await sampler.sample({ ...run, start: pictures, mask })).toEqual(expected);
    expect(await sampler.sample({ ...run, seed: 5, start: pictures, mask })).not.toEqual(expected);
    const one = readPictures(some[0], size);
    const thrice = Float32Array.of(...one, ...one, ...one);
    expect(await sampler.sample({ ...run, start: pictures[0] })).toEqual(
      await sampler.sample({ ...run, start: thrice }),
    );
  },
);

test('bad input: nothing is submitted', async () => {
  using unet = await engine.createUNet({ ...config, conditioning: { noiseLevel: true, classes: 0 } });
  using sampler = await engine.createSampler(unet, { count: 2 });
  const small = { data: new Uint8Array(4), width: 1, height: 1 };
  const levels = Float32Array.of(0);
  await refused(() => unet.predict(small, 1, { levels }), 'argument', 'Picture 0 is 1 x 1', '8 x 4');
  await refused(() => unet.predict(some, 2, { levels }), 'argument', 'images has 3 pictures', '2');
  await refused(() => sampler.sample({ steps: 1, start: some, from: 0.5 }), 'argument', 'start has 3', '2');
  await refused(() => sampler.sample({ steps: 1, start: some[0], mask: small }), 'argument', '1 x 1');
  await refused(() => engine.createDataset({ pictures: [] }), 'argument', 'empty');
  if (lane === 'node') return;
  const closed = await createImageBitmap(new ImageData(8, 4));
  closed.close();
  await refused(() => unet.predict(closed, 1, { levels }), 'argument', 'width of picture 0 is 0');
});
