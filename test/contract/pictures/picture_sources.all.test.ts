/** Pictures of the browser's where images are taken. */
import { expect, test, vi } from 'vitest';
import { readOwnImages } from '../../../harness/pictures/own_images';
import { usualChoice } from '../../../harness/pictures/small_pictures';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { createEngine } from '../../../src/engine';
import { readBuffer } from '../../../src/gpu/staging';
import { type Picture, type Pixels, readPictures } from '../../../src/index';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';

const { gpu, lane } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
const random = new TestRandom(3);

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
  // A page may show an image at any size.
  const images = canvases.map(async (canvas) => {
    const image = document.body.appendChild(new Image(3, 9));
    image.src = URL.createObjectURL(await canvas.convertToBlob());
    await image.decode();
    return image;
  });
  const frame = document.body.appendChild(document.createElement('iframe'));
  const { ImageData: Other } = frame.contentWindow as unknown as typeof globalThis;
  const foreign = data.map((image) => {
    const made = new Other(8, 4);
    made.data.set(image.data);
    return made;
  });
  return {
    bytes: some,
    ImageData: data,
    "another window's ImageData": foreign,
    OffscreenCanvas: canvases,
    canvas: elements,
    ImageBitmap: bitmaps,
    'image on a page': await Promise.all(images),
  };
}

test.each(Object.entries(await kinds()))(
  'pictures of the kind %s go into a data set, a prediction and the start of a run',
  async (_, pictures) => {
    using dataset = await engine.createDataset({ pictures, channels: 3, labels: Uint8Array.of(1, 0, 1) });
    expect(dataset).toMatchObject({ ...size, count: 3, maxLabel: 1 });
    const bytes = new Uint8Array(await readBuffer(gpu, dataset.buffer, dataset.buffer.size / 4));
    expect([...bytes]).toEqual(some.flatMap(({ data }) => [...data].filter((_, i) => i % 4 < 3)));

    using unet = await engine.createUNet(config, { seed: 1 });
    expect(await unet.predict(pictures)).toEqual(await unet.predict(arrays([0, 1]), { count: 3 }));
    expect(await unet.predict(pictures[1])).toEqual(await unet.predict(readPictures(some[1], size)));

    using told = await engine.createUNet(
      { ...config, conditioning: { noiseLevel: true, classes: 0 } },
      { seed: 1 },
    );
    const levels = Float32Array.of(0.2, 0.5, 0.9);
    const predicted = await told.predict(pictures, { count: 3, levels });
    expect(predicted).toEqual(await told.predict(arrays([-1, 1]), { count: 3, levels }));

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

test('pictures of the wrong size or number are refused, and nothing is submitted', async () => {
  using unet = await engine.createUNet({ ...config, conditioning: { noiseLevel: true, classes: 0 } });
  using sampler = await engine.createSampler(unet, { count: 2 });
  const small = { data: new Uint8Array(4), width: 1, height: 1 };
  const levels = Float32Array.of(0);
  const predict =
    (images: Picture | Picture[], count = 1) =>
    () =>
      unet.predict(images, { count, levels });
  const sample = (options: object) => () => sampler.sample({ steps: 1, ...options });
  const submit = vi.spyOn(gpu.device.queue, 'submit');
  for (const [work, ...facts] of [
    [predict(small), 'Picture 0 is 1 x 1', '8 x 4'],
    [predict(some, 2), 'images has 3 pictures', '2'],
    [sample({ start: some, from: 0.5 }), 'start has 3', '2'],
    [sample({ start: some[0], mask: small }), '1 x 1'],
    [() => engine.createDataset({ pictures: [] }), 'empty'],
  ] as const)
    await refused(work, 'argument', ...facts);
  // In Firefox an empty submission asks for word of an earlier one.
  expect(submit.mock.calls.flat(2)).toEqual([]);
  if (lane === 'node') return;
  const closed = await createImageBitmap(new ImageData(8, 4));
  closed.close();
  for (const empty of [closed, new Image()])
    await refused(predict(empty), 'argument', 'until it has loaded', 'is 0');
});

/**
 * Files of 16 x 16 pixels, most of them by Pillow: a JPEG whose EXIF turns it by 90 degrees, one in CMYK, a GIF of two pictures, the first of
 * them red; a PNG whose left side is nearly transparent and white.
 */
const odd: Readonly<Record<string, string>> = {
  'turned.jpg':
    '/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAQABADAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAAB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAVAQEBAAAAAAAAAAAAAAAAAAAJB//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AAJMiEDwmoxCGMonY8JqMR//2Q==',
  'cmyk.jpg':
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgAEAAQBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAAKCf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8A1TZVMqmqaVcVUCqgSriVcVUD/9k=',
  'animated.gif':
    'R0lGODlhEAAQAIEAANwUHh4o0gAAAAAAACH/C05FVFNDQVBFMi4wAwEAAAAh+QQACgAAACwAAAAAEAAQAAAIHQABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFgQEBACH5BAEKAAEALAAAAAAQABAAgR4o0gAAAAAAAAAAAAgdAAEIHEiwoMGDCBMqXMiwocOHECNKnEixosWBAQEAOw==',
  'clear_light.png':
    'iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAJElEQVR42mP89eGrAwMewC7EdwCfPBMDhWDUgFEDRg0YLAYAAHdyBCbJ3nYRAAAAAElFTkSuQmCC',
};

const RED = [220, 20, 30];
const BLUE = [30, 40, 210];
const BLACK = [0, 0, 0];
/** Pixels near the upper left, the upper right and the lower left corner. */
const corners: Readonly<Record<string, readonly (readonly number[])[]>> = {
  'turned.jpg': [RED, RED, BLUE],
  'cmyk.jpg': [
    [255, 0, 0],
    [0, 0, 255],
    [255, 0, 0],
  ],
  'animated.gif': [RED, RED, RED],
  'clear_light.png': [[63, 60, 61], BLACK, [63, 60, 61]],
};

test.skipIf(lane === 'node').each(Object.keys(odd))(
  'the file %s is read upright and in its colours, as images to train on',
  async (name) => {
    const bytes = Uint8Array.from(atob(odd[name]), (letter) => letter.charCodeAt(0));
    const { browserReader } = await import('../../../harness/page/worker/image_sources');
    const twice = ['a', 'b'].map((of) => ({ path: `${of}/${name}`, source: new File([bytes], name) }));
    const { images } = (await readOwnImages(twice, usualChoice, browserReader)).images;
    expect(images).toHaveLength(2 * 256 * 3);
    const found = [1 + 16, 14 + 16, 1 + 14 * 16].map((pixel) => [
      ...images.subarray(3 * pixel, 3 * pixel + 3),
    ]);
    // JPEG keeps colours nearly; browsers round what is half transparent.
    const near = name.endsWith('.jpg') ? 2 : name.endsWith('.png') ? 1 : 0;
    const far = found.flat().map((value, i) => Math.abs(value - corners[name].flat()[i]));
    expect(Math.max(...far), JSON.stringify(found)).toBeLessThanOrEqual(near);
  },
);
