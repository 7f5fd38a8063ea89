/** The file in which the command line remembers kernel choices. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileCache, tuningFile } from '../../harness/cli/tuning_cache';
import { temporaryFolder } from '../lib/system';

const folder = temporaryFolder(afterAll);

test.each<[NodeJS.ProcessEnv, NodeJS.Platform, string]>([
  [{}, 'linux', '/me/.cache/webgpu-diffusion/tuning.json'],
  [{ XDG_CACHE_HOME: '/fast' }, 'linux', '/fast/webgpu-diffusion/tuning.json'],
  [{ LOCALAPPDATA: '/local' }, 'win32', '/local/webgpu-diffusion/tuning.json'],
  [{ WEBGPU_DIFFUSION_CACHE: '/own', XDG_CACHE_HOME: '/fast' }, 'linux', '/own/tuning.json'],
])(
  'the file of kernel choices lies where the platform keeps caches, or a variable says: %j, %s',
  (env, platform, path) => {
    expect(tuningFile(env, platform, '/me')).toBe(join(path));
  },
);

test('a stored kernel choice is there for the next process', async () => {
  const said: string[] = [];
  const path = join(folder, 'not', 'there', 'yet', 'tuning.json');
  const first = fileCache(path, (line) => said.push(line));
  expect(await first.get('a')).toBeUndefined();
  await first.set('a', 'direct');
  await fileCache(path, () => {}).set('b', 'winograd'); // another process
  await first.set('a', 'one');
  const next = fileCache(path, (line) => said.push(line));
  expect(await next.get('a')).toBe('one');
  expect(await next.get('b')).toBe('winograd');
  expect(said).toEqual([]);
});

test.each(['', '[]', 'null', '{"a": 1}'])(
  'a file of kernel choices that holds %j is ignored with one message, and written anew',
  async (content) => {
    const said: string[] = [];
    const path = join(folder, 'broken.json');
    await writeFile(path, content);
    const cache = fileCache(path, (line) => said.push(line));
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.get('b')).toBeUndefined();
    expect(said).toEqual([`${path} does not hold kernel choices; it is ignored and written anew.`]);
    await cache.set('a', 'direct');
    expect(await fileCache(path, (line) => said.push(line)).get('a')).toBe('direct');
    expect(said).toHaveLength(1);
  },
);

test('kernel choices that cannot be written are not remembered, with a message and no error', async () => {
  const said: string[] = [];
  const file = join(folder, 'file');
  await writeFile(file, '');
  const cache = fileCache(join(file, 'tuning.json'), (line) => said.push(line));
  expect(await cache.get('a')).toBeUndefined();
  await cache.set('a', 'direct');
  await cache.set('b', 'direct');
  expect(said).toEqual([
    expect.stringContaining('cannot be read'),
    expect.stringContaining('are not remembered'),
  ]);
});

test('the file of kernel choices holds 2,000: the oldest choices go', async () => {
  const path = join(folder, 'full.json');
  const cache = fileCache(path, () => {});
  const old = Array.from({ length: 2000 }, (_, i) => [`old ${i}`, 'direct']);
  await writeFile(path, JSON.stringify(Object.fromEntries(old)));
  await cache.set('new', 'one');
  expect(Object.keys(JSON.parse(await readFile(path, 'utf8')))).toHaveLength(2000);
  expect(await cache.get('new')).toBe('one');
  expect(await cache.get('old 0')).toBeUndefined();
  expect(await cache.get('old 1')).toBe('direct');
  // What is set again is new.
  await cache.set('old 1', 'winograd');
  await cache.set('newer', 'one');
  expect(await cache.get('old 1')).toBe('winograd');
  expect(await cache.get('old 2')).toBeUndefined();
});
