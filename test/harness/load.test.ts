/** Loading the repository's TypeScript into Node: bundled once, and again when a source has changed. */
import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fingerprint } from '../../harness/tools/build/load.mjs';
import { takesLong } from '../lanes/limits';
import { runNode, temporaryFolder } from './system';

const folder = temporaryFolder(afterAll);

test('the fingerprint of a bundle changes with every source file, and with no other file', async () => {
  const write = async (path: string, text: string) => {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
    await utimes(join(folder, path), 1, 1);
  };
  const seen = [fingerprint('a.ts', folder)];
  const changes = async (how: () => Promise<void>) => {
    await how();
    const now = fingerprint('a.ts', folder);
    expect(fingerprint('a.ts', folder)).toBe(now);
    expect(now).not.toBe(seen.at(-1));
    seen.push(now);
  };
  await changes(() => write('src/deep/er/x.ts', '1'));
  await changes(() => write('src/deep/er/x.ts', '12'));
  await changes(() => utimes(join(folder, 'src/deep/er/x.ts'), 2, 2));
  await changes(() => write('shaders/x.wgsl', '1'));
  await changes(() => rm(join(folder, 'shaders/x.wgsl')));
  await changes(() => write('package-lock.json', '{}'));
  expect(seen).not.toContain(fingerprint('b.ts', folder));
  for (const path of ['test/x.test.ts', 'shaders/shaders.gen.d.ts', 'shaders/x.gen.json', 'docs/x.md']) {
    await write(path, '1');
    expect(fingerprint('a.ts', folder), path).toBe(seen.at(-1));
  }
});

test(
  'the second start of the command line takes the bundle of the first start',
  takesLong('runsProcesses'),
  async () => {
    const cache = 'node_modules/.cache/webgpu-diffusion';
    const name = () => `harness-cli-${fingerprint('harness/cli.ts')}.mjs`;
    const start = async () => (await runNode('.', 'harness/run.mjs', 'train', '--help')).out;
    const first = await start();
    expect(first).toContain('--resume FILE');
    const { mtimeMs } = await stat(join(cache, name()));
    expect(await start()).toBe(first);
    expect((await stat(join(cache, name()))).mtimeMs).toBe(mtimeMs);
    expect((await readdir(cache)).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  },
);
