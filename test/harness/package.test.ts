/** The command line as it is packed, where the package `webgpu`, which it asks for but does not bring, is not installed. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-'));
  const root = fileURLToPath(new URL('../..', import.meta.url));
  await build({ root, mode: 'lib', logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rm(folder, { recursive: true }));

const cli = (...args: string[]) =>
  new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, [join(folder, 'cli.js'), ...args], (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });

test('what needs no GPU works', async () => {
  expect(await cli('explain')).toMatchObject({ code: 0, err: '' });
});

test('what needs one says what to install', async () => {
  const { code, out, err } = await cli('check', '--kernel', 'noop');
  expect(err).toContain('not installed. Run: npm install webgpu');
  expect([code, out]).toEqual([1, '']);
});
