/**
 * The package as it is packed: the command line where the package `webgpu`, which it asks for but does not bring, is not installed, and
 * programs of the docs.
 */
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../harness/cli/png';
import { readText } from '../../shaders/plugin';
import { takesLong } from '../lib/lanes/limits';
import { digitsSeen } from '../lib/seen';
import { runNode, temporaryFolder } from '../lib/system';
import { codeOf } from './docs_code';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder(afterAll);
beforeAll(async () => {
  await build({ root, mode: 'lib', logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
}, takesLong('runsProcesses').timeout);

const node = (...args: string[]) => runNode(folder, ...args);
const cli = (...args: string[]) => node(join(folder, 'cli.js'), ...args);

test('the packed command line runs explain, which needs no GPU', async () => {
  expect(await cli('explain')).toMatchObject({ code: 0, err: '' });
  const { code, out } = await cli('explain', '--shader', 'adam.plain');
  expect(code).toBe(0);
  expect(out.split('\n')[0]).toEqual(readText('optimizer/adam.wgsl').split('\n')[0]);
});

test('a command of the package that needs a GPU says what to install', async () => {
  const { code, out, err } = await cli('check', '--kernel', 'noop');
  expect(err).toContain('not installed. Run: npm install webgpu');
  expect({ code, out }).toEqual({ code: 1, out: '' });
});

test('the packed command line reads pictures', async () => {
  const picture = { width: 16, height: 16, channels: 1, data: new Uint8Array(256) } as const;
  await writeFile(join(folder, 'one.png'), encodePng(picture));
  const { err } = await cli('train', '--data', join(folder, 'one.png'), '--out', join(folder, 'run'));
  expect(err).toContain('one.png is the only picture');
});

test('the package carries the licenses of the libraries inside', async () => {
  const text = await readFile(join(folder, 'licenses.md'), 'utf8');
  for (const name of ['pbf', 'gifenc', 'pngjs']) expect(text).toContain(`## ${name} `);
});

test(
  'the programs of docs/weights.md make digits to order, use ONNX Runtime, and read files of others',
  takesLong('runsProcesses'),
  async () => {
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, 'webgpu-diffusion/dist'), { recursive: true });
    await symlink(folder, join(modules, 'webgpu-diffusion/dist/lib'), 'junction');
    await cp(join(root, 'package.json'), join(modules, 'webgpu-diffusion/package.json'));
    await symlink(join(root, 'node_modules/onnxruntime-web'), join(modules, 'onnxruntime-web'), 'junction');
    const [theirs, write, draw] = codeOf('weights.md', 'js');
    const run = async (code: string) => {
      await writeFile(join(folder, 'program.mjs'), code);
      const { out, err } = await node(join(folder, 'program.mjs'));
      expect(err).toBe('');
      return out;
    };
    await run(write);
    await run(`${draw}\n(await import('node:fs')).writeFileSync('images', images);`);
    expect(await cli('convert', '--pytorch', 'theirs.safetensors')).toMatchObject({ code: 0, err: '' });
    expect(await run(`${theirs}\nconsole.log(model.objective, model.parameters.size);`)).toBe('flow 17\n');
    const images = new Float32Array((await readFile(join(folder, 'images'))).buffer);
    const seen = await digitsSeen(images);
    // 97 of 100 in the long run; by chance it would be one.
    expect(seen.filter((digit, i) => digit === i).length, `seen: ${seen}`).toBeGreaterThanOrEqual(6);
  },
);
