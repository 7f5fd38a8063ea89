/** The images of kept runs: which are kept, for how long, and what becomes of damaged ones. */
import { beforeEach, expect, test } from 'vitest';
import { KeptImages } from '../../../harness/page/worker/kept_images';
import type { SyncFile } from '../../../src/keeping/slots';
import { RUNS } from '../../../src/keeping/store';
import { damage, FakeStorage, namesIn } from '../../lib/fake_storage';

const colours = (count: number) => ({
  images: Uint8Array.from({ length: count * 4 * 2 * 3 }, (_, i) => (37 * i) % 256),
  count,
  height: 4,
  width: 2,
  channels: 3,
  name: 'garden',
});
const named = { ...colours(3), labels: Uint8Array.of(1, 0, 1), classNames: ['poppy', 'רקפת'] };

let storage: FakeStorage;
let kept: KeptImages;
const folder = (name: string) => storage.root.getDirectoryHandle(name, { create: true });
const images = () => folder('webgpu-diffusion-images');
/** The browser keeps a run of this name, and these images with it. */
const write = async (id: string, set: Parameters<KeptImages['write']>[1]) => {
  await (await folder(RUNS)).getDirectoryHandle(id, { create: true });
  await kept.write(id, set);
};
const deleteRun = async (id: string) => (await folder(RUNS)).removeEntry(id, { recursive: true });
const read = (id: string) => kept.read(id, () => true);
const files = async () => namesIn(await images());

beforeEach(() => {
  storage = new FakeStorage();
  kept = new KeptImages(async () => storage.root);
});

test('kept images are read as they were written the first time, with labels and names', async () => {
  await write('a', named);
  await write('b', colours(2));
  await write('b', colours(3));
  expect(await read('a')).toEqual(named);
  expect(await read('b')).toEqual({ ...colours(2), classNames: undefined });
  expect(await read('c')).toBeUndefined();
});

test('kept images are deleted with their run, and no others', async () => {
  for (const id of ['a', 'b']) await write(id, colours(2));
  await deleteRun('a');
  await kept.tidy();
  expect(await files()).toEqual(['b']);
});

test('kept images take at most 32 MB for a run, and 100 MB for all runs that exist', async () => {
  const megabytes = (count: number) => ({
    images: new Uint8Array(count * 1e6),
    count,
    height: 1000,
    width: 1000,
    channels: 1,
  });
  await write('too large', megabytes(33));
  for (const id of ['a', 'b', 'c']) await write(id, megabytes(32));
  await write('d', megabytes(4));
  expect(await files()).toEqual(['a', 'b', 'c']);
  await deleteRun('b');
  await write('d', megabytes(4));
  expect(await files()).toEqual(['a', 'c', 'd']);
});

const flip = (at: number) => (file: SyncFile, bytes: Uint8Array) => {
  file.write(Uint8Array.of(bytes.at(at)! ^ 1), { at: (at + bytes.length) % bytes.length });
};
test.each<[what: string, change: (file: SyncFile, bytes: Uint8Array) => void]>([
  ['a byte of the images', flip(200)],
  ['the last label', flip(-1)],
  ['the size of what they say of themselves', flip(1)],
  ['the end, which a page that was killed did not write', (file) => file.truncate(230)],
])('kept images are refused and deleted if damaged, with damage at %s', async (_, change) => {
  await write('a', named);
  const file = await (await (await images()).getFileHandle('a')).getFile();
  const bytes = new Uint8Array(await file.arrayBuffer());
  await damage(await images(), 'a', (access) => change(access, bytes));
  expect(await read('a')).toBeUndefined();
  expect(await files()).toEqual([]);
  await write('a', named);
  expect(await read('a')).toEqual(named);
});

test('kept images of another run are refused and deleted', async () => {
  await write('a', named);
  expect(await kept.read('a', ({ count }) => count === 4)).toBeUndefined();
  expect(await files()).toEqual([]);
});

test('kept images are never stored in part on a full disk', async () => {
  storage.quota = 50;
  await expect(write('a', named)).rejects.toMatchObject({ name: 'QuotaExceededError' });
  expect(await files()).toEqual([]);
});
