/** The images of kept runs: which are kept, for how long, and what becomes of damaged ones. */
import { beforeEach, expect, test } from 'vitest';
import { KeptImages } from '../../../harness/page/worker/kept_images';
import { RUNS } from '../../../src/keeping/store';
import { FakeStorage } from '../../lib/fake_storage';

const colours = (count: number, seed = 0) => ({
  images: Uint8Array.from({ length: count * 4 * 2 * 3 }, (_, i) => (seed + 37 * i) % 256),
  ...{ count, height: 4, width: 2, channels: 3, name: 'garden' },
});
const named = {
  ...colours(3),
  labels: Uint8Array.of(1, 0, 1),
  classNames: ['poppy', 'רקפת'],
};

let storage: FakeStorage;
let kept: KeptImages;
const folder = (name: string) => storage.root.getDirectoryHandle(name, { create: true });
/** The browser keeps a run of this name. */
const keepRun = async (id: string) => (await folder(RUNS)).getDirectoryHandle(id, { create: true });
const write = async (id: string, images: Parameters<KeptImages['write']>[1]) => {
  await keepRun(id);
  await kept.write(id, images);
};
const read = (id: string) => kept.read(id, () => true);
const files = async () => {
  const names: string[] = [];
  for await (const name of (await folder('webgpu-diffusion-images')).keys()) names.push(name);
  return names;
};

beforeEach(() => {
  storage = new FakeStorage();
  kept = new KeptImages(async () => storage.root);
});

test('kept images are read as they were written, with labels and names', async () => {
  await write('a', named);
  await write('b', colours(2));
  expect(await read('a')).toEqual(named);
  expect(await read('b')).toEqual({ ...colours(2), classNames: undefined });
  expect(await read('c')).toBeUndefined();
});

test('kept images of a run are written once', async () => {
  await write('a', colours(2));
  await write('a', colours(3));
  expect((await read('a'))!.count).toBe(2);
});

test('kept images are deleted with their run, and no others', async () => {
  await write('a', colours(2));
  await write('b', colours(3));
  await (await folder(RUNS)).removeEntry('a', { recursive: true });
  await kept.tidy();
  expect(await files()).toEqual(['b']);
  expect((await read('b'))!.count).toBe(3);
});

test('kept images take at most 32 MB for a run, and 100 MB for all runs that exist', async () => {
  const side = 1000;
  const large = (count: number) => ({
    images: new Uint8Array(count * side * side),
    ...{ count, height: side, width: side, channels: 1 },
  });
  await write('too large', large(33));
  expect(await files()).toEqual([]);
  for (const id of ['a', 'b', 'c']) await write(id, large(32));
  await write('d', large(4));
  expect(await files()).toEqual(['a', 'b', 'c']);
  await (await folder(RUNS)).removeEntry('b', { recursive: true });
  await write('d', large(4));
  expect(await files()).toEqual(['a', 'c', 'd']);
});

test.each([
  ['nothing', 0],
  ['a byte of the images', 200],
  ['the last label', -1],
  ['the size of what they say of themselves', 1],
])('kept images are refused and deleted if damaged, with damage at %s', async (what, at) => {
  await write('a', named);
  const file = await (await folder('webgpu-diffusion-images')).getFileHandle('a');
  const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
  const access = await file.createSyncAccessHandle();
  const place = (at + bytes.length) % bytes.length;
  const change = what === 'nothing' ? 0 : 1;
  access.write(Uint8Array.of(bytes[place] ^ change), { at: place });
  access.close();
  expect(await read('a')).toEqual(change ? undefined : named);
  expect(await files()).toEqual(change ? [] : ['a']);
});

test('kept images of another run are refused and deleted', async () => {
  await write('a', named);
  expect(await kept.read('a', ({ count }) => count === 4)).toBeUndefined();
  expect(await files()).toEqual([]);
});

test('kept images are never stored in part: on a full disk, or where the page ends in the middle', async () => {
  storage.quota = 50;
  await expect(write('a', named)).rejects.toMatchObject({ name: 'QuotaExceededError' });
  expect(await files()).toEqual([]);
  storage.quota = Number.POSITIVE_INFINITY;
  // What a process that was killed leaves.
  await write('a', named);
  const file = await (await folder('webgpu-diffusion-images')).getFileHandle('a');
  const access = await file.createSyncAccessHandle();
  access.truncate(230);
  access.close();
  expect(await read('a')).toBeUndefined();
  await write('a', named);
  expect(await read('a')).toEqual(named);
});
