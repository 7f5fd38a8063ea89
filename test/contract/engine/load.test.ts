/** Parts of the library that are loaded when they are needed. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loaded, once } from '../../../src/base/load';
import { EngineError } from '../../../src/index';

test('a part of the library that does not load is an error of code data that says what to do', async () => {
  const cause = new TypeError('Failed to fetch dynamically imported module: x.js.');
  const error = await loaded(Promise.reject(cause)).catch((error) => error);
  expect(error).toMatchObject({ code: 'data', cause });
  for (const words of ['imported module: x.js. Call again', 'reload the page', 'service worker'])
    expect(error.message).toContain(words);
  const own = new EngineError('limit', 'too large');
  await expect(loaded(Promise.reject(own))).rejects.toBe(own);
});

test('once() makes a value once, and again only after a failure', async () => {
  const make = vi.fn(async () => 3);
  make.mockRejectedValueOnce(new Error('first'));
  const get = once(make);
  await expect(Promise.all([get(), get()])).rejects.toThrow('first');
  expect(make).toHaveBeenCalledTimes(1);
  expect(await Promise.all([get(), get(), get()])).toEqual([3, 3, 3]);
  expect(make).toHaveBeenCalledTimes(2);
});

/** It has words of its own, for a package that is not installed. */
const other = 'src/node/dawn.ts';

/** The source files, but for the other one, whose text is as `matches` says. */
const sources = (matches: (text: string) => boolean) =>
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((file) => `src/${file}`)
    .filter((file) => file.endsWith('.ts') && file !== other)
    .filter((file) => matches(readFileSync(file, 'utf8')));

test('every import() in src is wrapped in loaded(), but for one with an error of its own', () => {
  expect(sources((text) => /(?<!\bloaded\(|\btypeof )\bimport\(/.test(text))).toEqual([]);
});

test('every file in src that imports a file of bytes loads it through loaded()', () => {
  expect(sources((text) => / from '.*\?bytes'/.test(text) && !text.includes('loaded('))).toEqual([]);
});
