import { describe, expect, test } from 'vitest';
import { type OwnFile, pairIdx, readOwnImages } from '../../../harness/pictures/own_images';
import { usualChoice } from '../../../harness/pictures/small_pictures';
import { idxFile } from '../../lib/system';

describe('an IDX file', () => {
  const file = (path: string, bytes: Iterable<number> = []) => ({
    path,
    source: new File([Uint8Array.from(bytes)], path),
  });
  const two = (first: number, second: number) =>
    file('mine-images-idx3-ubyte', idxFile([2, 1, 1], [first, second]));
  const readAll = (files: OwnFile[], choice = {}) => {
    const head = async ({ source }: OwnFile) =>
      new Uint8Array(await (source as File).slice(0, 100).arrayBuffer());
    return readOwnImages(files, { ...usualChoice, ...choice }, { head, decode: () => Promise.reject() });
  };
  const [train, t10k] = ['train', 't10k'].map((set) => [
    `${set}-images-idx3-ubyte`,
    `${set}-labels-idx1-ubyte`,
  ]);
  const drawn = ['drawn-2', 'drawn-10', 'hand-2-labels-idx1-ubyte', 'hand-10-labels-idx1-ubyte'];

  test.each([
    // Training sets come first, packed ones once.
    [
      [`${t10k[0]}.gz`, train[1], train[0], `${train[0]}.gz`, t10k[1]],
      [train[0], `${t10k[0]}.gz`],
      [train[1], t10k[1]],
    ],
    [['mine', 'other-labels-idx1-ubyte'], ['mine'], ['other-labels-idx1-ubyte']],
    // However they are given, by name, and numbers by value.
    [drawn.toReversed(), drawn.slice(0, 2), drawn.slice(2)],
  ])('finds its labels by name, else by order: %j', (given, images, labels) => {
    const paths = (files: readonly OwnFile[]) => files.map(({ path }) => path);
    const found = pairIdx(given.map((path) => file(path)));
    expect([paths(found.images), paths(found.labels)]).toEqual([images, labels]);
  });

  const colours = [7, 250, 100, 3, 2, 1];
  test.each<[string, OwnFile, object, number[], string | undefined]>([
    ['as it is', two(7, 250), {}, [7, 250], 'light'],
    ['inverted by choice', two(7, 250), { ink: 'dark' }, [248, 5], 'dark'],
    [
      'in colour never inverted',
      file('mine', idxFile([2, 1, 1, 3], colours)),
      { ink: 'dark' },
      colours,
      undefined,
    ],
  ])('is read %s', async (_, given, choice, values, ink) => {
    const made = await readAll([given], choice);
    expect([[...made.images.images], made.ink, made.images.name]).toEqual([values, ink, given.path]);
  });

  const ofOne = file('mine-labels-idx1-ubyte', idxFile([2], [4, 4]));
  test('of one class is trained without classes', async () => {
    const { images: set, notes } = await readAll([two(7, 9), ofOne]);
    expect([set.labels, ...notes]).toEqual([
      undefined,
      'All 2 images have the label 4: the network is trained without classes.',
    ]);
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
    await expect(readAll([given])).rejects.toThrow(problem);
  });
});
