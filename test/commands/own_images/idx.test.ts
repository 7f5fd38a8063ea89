import { describe, expect, test } from 'vitest';
import { type OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
import { usualChoice } from '../../../harness/pictures/small_pictures';
import { idxFile } from '../../lib/system';

const file = (path: string, bytes: Iterable<number>) => ({
  path,
  source: new File([Uint8Array.from(bytes)], path),
});
/** Images of one pixel. */
const images = (path: string, ...values: number[]) => file(path, idxFile([values.length, 1, 1], values));
const labels = (path: string, ...values: number[]) => file(path, idxFile([values.length], values));
const read = (files: OwnFile[], choice = {}) => {
  const head = async ({ source }: OwnFile) => new Uint8Array(await (source as File).arrayBuffer());
  return readOwnImages(files, { ...usualChoice, ...choice }, { head, decode: () => Promise.reject() });
};

describe('an IDX file', () => {
  const mine = images('mine', 7, 250);
  const ofOne = labels('mine-labels-idx1-ubyte', 4, 4);
  const colours = [7, 250, 100, 3, 2, 1];
  type Made = [values: number[], ink: string | undefined, name: string, labels?: number[], note?: string];
  test.each<[string, OwnFile[], object, ...Made]>([
    ['inverted by choice', [mine], { ink: 'dark' }, [248, 5], 'dark', 'mine'],
    [
      'in colour never inverted',
      [file('mine', idxFile([2, 1, 1, 3], colours))],
      { ink: 'dark' },
      colours,
      undefined,
      'mine',
    ],
    [
      'with labels under another name, in the order of names, numbers by value',
      [
        labels('hand-10-labels-idx1-ubyte', 3),
        labels('hand-2-labels-idx1-ubyte', 1),
        images('b-10-images-idx3-ubyte', 30),
        images('b-2-images-idx3-ubyte', 10),
      ],
      {},
      [10, 30],
      'light',
      'b-2-images-idx3-ubyte, b-10-images-idx3-ubyte',
      [1, 3],
    ],
    [
      'of one class without classes',
      [images('mine-images-idx3-ubyte', 7, 250), ofOne],
      {},
      [7, 250],
      'light',
      'mine-images-idx3-ubyte',
      undefined,
      'All 2 images have the label 4: the network is trained without classes.',
    ],
  ])('is read %s', async (_, files, choice, values, ink, name, labels, note) => {
    const made = await read(files, choice);
    expect([...made.images.images]).toEqual(values);
    expect(made.ink).toEqual(ink);
    expect(made.images.name).toEqual(name);
    expect(made.images.labels && [...made.images.labels]).toEqual(labels);
    expect(made.notes).toEqual(note ? [note] : []);
  });

  test.each<[OwnFile, string | RegExp]>([
    [ofOne, 'mine-labels-idx1-ubyte holds labels. Give it together with its images.'],
    [
      file('notes.txt', Buffer.from('Dear diary')),
      'notes.txt is neither a picture nor data to train on. Give pictures',
    ],
    [
      file('faces.zip', Buffer.from('PK\x03\x04 and more')),
      /^faces\.zip is neither .* It looks like a zip archive: unpack it\.$/,
    ],
  ])('is refused with its fault or its kind: $0.path', async (given, problem) => {
    await expect(read([given])).rejects.toThrow(problem);
  });
});
