/** Somebody's own images: pictures in folders and NumPy's files become IDX, or a sentence says why not. */
import { describe, expect, test } from 'vitest';
import { folderWithoutImages } from '../../harness/page/shell/file_input';
import { checkBeginning, fineTuning, trainingOf, whyNew } from '../../harness/page/shell/fine_tune';
import { idxFiles } from '../../harness/page/shell/idx_files';
import { readNpy } from '../../harness/page/shell/npy';
import { type Grey, inkOf, ofNpy, ofPictures } from '../../harness/page/shell/own_images';
import type { Beginning, PageRecipe } from '../../harness/page/shell/settings';
import { checkClasses, loadFiles } from '../../harness/page/worker/run_images';
import { loadIdx, loadLabels } from '../../src/files';
import { recipeAt } from '../../src/recipes';
import { trainerConfigOf } from '../../src/training/options';
import { presets } from '../../src/unet/config';

const grey = (name: string, folder: string, width = 2, height = 3): Grey => ({
  name,
  folder,
  width,
  height,
  ink: new Uint8Array(width * height).fill(name.length),
});

/** As numpy.save writes it. */
function npy(descr: string, shape: number[], data: ArrayBuffer, version = 1): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }\n`;
  const header = new TextEncoder().encode(text);
  const start = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(start + header.length + data.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(header, start);
  bytes.set(new Uint8Array(data), start + header.length);
  return bytes;
}

test('IDX files come back as the images and labels that went in', async () => {
  const images = [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint8Array.of(7, 8, 9, 10, 11, 12)];
  const { files, labels } = idxFiles('two', images, { height: 2, width: 3 }, [4, 9]);
  expect(await loadIdx(files)).toMatchObject({ count: 2, height: 2, width: 3, channels: 1 });
  expect([...(await loadIdx(files)).images]).toEqual([...images[0], ...images[1]]);
  expect([...(await loadLabels(labels, { count: 2 }))]).toEqual([4, 9]);
  expect(idxFiles('two', images, { height: 2, width: 3 }).labels).toEqual([]);
});

describe('pictures', () => {
  const labelsIn = async (pictures: Grey[]) => [...(await loadLabels(ofPictures(pictures).labels))];

  test('have the classes of their folders: numbers, or names in their order', async () => {
    expect(await labelsIn([grey('a', '3'), grey('b', '10'), grey('c', '3')])).toEqual([3, 10, 3]);
    expect(await labelsIn([grey('a', 'dog'), grey('b', 'cat')])).toEqual([1, 0]);
    expect(ofPictures([grey('a', ''), grey('b', '')]).labels).toEqual([]);
    expect(ofPictures([grey('a', ''), grey('b', '')]).files[0].name).toBe('2 pictures');
  });

  test('are refused in a sentence', () => {
    const refuses = (pictures: Grey[], why: string) => expect(() => ofPictures(pictures)).toThrow(why);
    refuses(
      [grey('a', ''), grey('b', '', 4)],
      'b is 4 x 3 pixels and a 2 x 3; all pictures must be of one size',
    );
    refuses([grey('a', 'x'), grey('b', 'x')], 'there is one class only');
    refuses([grey('a', 'x'), grey('b', '')], 'b is in no folder, and others are');
  });

  test('are ink on paper, whichever of both is dark', () => {
    const rgba = (...values: number[]) => Uint8ClampedArray.from(values.flatMap((v) => [v, v, v, 255]));
    expect([...inkOf(rgba(255, 255, 0, 250))]).toEqual([0, 0, 255, 5]);
    expect([...inkOf(rgba(0, 0, 255, 5))]).toEqual([0, 0, 255, 5]);
  });

  test('are looked for in folders', () => {
    const file = (name: string, folder: string) => ({ file: new File([], name), folder });
    expect(folderWithoutImages([file('a.png', '3'), file('notes.txt', '3')])).toBeUndefined();
    expect(folderWithoutImages([file('train-images-idx3-ubyte.gz', 'mnist')])).toBeUndefined();
    expect(folderWithoutImages([file('whatever', '')])).toBeUndefined();
    expect(folderWithoutImages([file('notes.txt', 'mine')])).toMatch(/^The folder mine holds no images/);
    expect(folderWithoutImages([])).toMatch(/^The folder holds no images/);
  });
});

describe('.npy', () => {
  const read = (bytes: Uint8Array<ArrayBuffer>) => readNpy(bytes, 'x.npy');

  test('is read in both versions', () => {
    const { shape, values } = read(npy('<f4', [2, 1, 1], Float32Array.of(0.5, 1).buffer));
    expect([shape, [...Array.from(values)]]).toEqual([
      [2, 1, 1],
      [0.5, 1],
    ]);
    expect(Array.from(read(npy('<i4', [2], Int32Array.of(7, -1).buffer, 2)).values)).toEqual([7, -1]);
  });

  test('is refused in a sentence', () => {
    expect(() => read(new Uint8Array(20))).toThrow('x.npy is not an .npy file');
    expect(() => read(npy('>f4', [1], new ArrayBuffer(4)))).toThrow('of the type ">f4"');
    expect(() => read(npy('|u1', [3], new ArrayBuffer(2)))).toThrow(
      'has 2 bytes of values; 3 of 1 bytes are 3',
    );
  });

  test('becomes images and labels', async () => {
    const images = { name: 'x.npy', shape: [2, 1, 2], values: Float32Array.of(0, 1, 0.5, 0.2) };
    const labels = { name: 'y.npy', shape: [2], values: Int32Array.of(8, 1) };
    const made = ofNpy([labels, images]);
    expect([...(await loadIdx(made.files)).images]).toEqual([0, 255, 128, 51]);
    expect([...(await loadLabels(made.labels))]).toEqual([8, 1]);
    expect(() => ofNpy([labels])).toThrow('An .npy file must hold images');
    expect(() => ofNpy([{ ...images, values: Float32Array.of(0, 2, 0, 0) }])).toThrow(
      'x.npy holds 2; floats',
    );
    expect(() => ofNpy([images, { ...labels, shape: [3] }])).toThrow(
      'y.npy holds 3 labels, and x.npy 2 images',
    );
    expect(() => ofNpy([{ ...images, shape: [1, 1, 1, 4] }])).toThrow('has the shape 1 x 1 x 1 x 4');
  });
});

describe('what is loaded', () => {
  test('has more than one class, if the network is told classes', () => {
    const images = { images: new Uint8Array(8), count: 2, height: 2, width: 2, channels: 1 };
    const of = (...labels: number[]) => ({ ...images, labels: Uint8Array.from(labels) });
    expect(() => checkClasses(of(7, 7), presets.digits)).toThrow('All 2 images have the label 7');
    checkClasses(of(7, 8), presets.digits);
    checkClasses(images, presets.digits);
    checkClasses(of(7, 7), presets.tutorial);
  });

  test('is no file of another kind', async () => {
    await expect(loadFiles([new File(['Dear diary'], 'notes.txt')], [])).rejects.toThrow(
      'notes.txt is none of the files that this page takes: pictures (PNG',
    );
    // What begins like IDX is told what is wrong with it.
    await expect(loadFiles([new File([new Uint8Array(4)], 'short')], [])).rejects.toThrow('magic number');
    const { files } = idxFiles('x', [new Uint8Array(4)], { height: 2, width: 2 });
    expect(await loadFiles(files, [])).toMatchObject({ count: 1 });
  });
});

describe('fine-tuning', () => {
  test('takes 60 steps of up to 32 images', () => {
    expect(fineTuning(10)).toEqual({ batch: 10, epochs: 60, lr: 0.0005 });
    expect(fineTuning(100)).toEqual({ batch: 32, epochs: 15, lr: 0.0005 });
    expect(fineTuning(10_000)).toEqual({ batch: 32, epochs: 1, lr: 0.0005 });
  });

  test('has a warm-up of 20 steps at any batch, where the recipe has one', () => {
    const warmupOf = (recipe: PageRecipe, batch: number, begin: Beginning) =>
      trainerConfigOf(trainingOf({ recipe, batch, begin })).schedule.warmup;
    expect(warmupOf('digits', 32, 'new')).toBe(160);
    expect(warmupOf('digits', 32, 'pretrained')).toBe(20);
    expect(warmupOf('tutorial', 32, 'pretrained')).toBe(0);
    const { schedule: _, ...rest } = recipeAt('digits', 32).trainer;
    expect(trainingOf({ recipe: 'digits', batch: 32, begin: 'pretrained' })).toMatchObject(rest);
  });

  test('needs images and widths of the trained network', () => {
    const trained = presets.digits;
    const { conditioning } = trained;
    checkBeginning('digits', trained);
    checkBeginning('digits', { ...trained, conditioning: { ...conditioning!, classes: 3 } });
    expect(() => checkBeginning('digits', { ...trained, height: 32 })).toThrow(
      '28 x 28 x 1; these are 32 x 28 x 1',
    );
    expect(() => checkBeginning('digits', { ...trained, widths: [8] })).toThrow(
      'has the widths 32, 64, 64, not 8',
    );
    const many = { ...trained, conditioning: { ...conditioning!, classes: 12 } };
    expect(() => checkBeginning('digits', many)).toThrow('knows 10 classes; these images have 12');
    expect(() => checkBeginning('digits-3x3', presets['digits-3x3'])).toThrow(
      'no pretrained network of the recipe digits-3x3',
    );
  });

  test('says why it cannot be', () => {
    const images = { height: 28, width: 28, channels: 1 };
    const { widths } = presets.digits;
    expect(whyNew({ recipe: 'digits', widths }, images)).toBeUndefined();
    expect(whyNew({ recipe: 'tutorial', widths }, { ...images, classes: 200 })).toBeUndefined();
    expect(whyNew({ recipe: 'digits', widths }, { ...images, classes: 12 })).toContain('knows 10 classes');
    expect(whyNew({ recipe: 'digits', widths }, { ...images, height: 8 })).toContain('these are 8 x 28');
    expect(whyNew({ recipe: 'digits', widths }, { ...images, channels: 3 })).toContain('28 x 28 x 3');
    expect(whyNew({ recipe: 'digits-3x3', widths }, images)).toContain('no pretrained network');
  });
});
