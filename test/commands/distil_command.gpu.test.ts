/**
 * `distil` from end to end, on a few trajectories and steps.
 *
 * @module-tag nightly
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { UNet } from '../../src/unet/unet';
import { loadModel } from '../../src/weights/model';
import { saveModel } from '../../src/weights/save_model';
import { lossesIn, ownFolder, reportIn, runHere, succeed } from '../lib/command';
import { testGpu } from '../lib/gpu';
import { limit } from '../lib/lanes/limits';
import { until } from '../lib/until';

vi.setConfig(limit('runsProcesses'));

const { gpu } = await testGpu();

const root = ownFolder();
const teacher = join(root, 'teacher.safetensors');
beforeAll(async () => {
  using unet = await UNet.create(gpu, {
    widths: [4],
    kernelSize: 3,
    finalActivation: 'none',
    conditioning: { noiseLevel: true, classes: 10 },
  });
  writeFileSync(teacher, await saveModel(unet, { objective: 'flow' }));
});

const few = '--noises 12 --steps 2 --quality 10 --calls 1'.split(' ');
const args = (out: string, ...more: string[]) => [
  'distil',
  '--out',
  out,
  '--model',
  teacher,
  ...few,
  ...more,
];
const distil = (...given: Parameters<typeof args>) => runHere(...args(...given));

test('distil leaves alone a folder that another process has taken', async () => {
  const out = join(root, 'taken');
  const lock = join(out, '.webgpu-diffusion.lock');
  const distilling = distil(out);
  await until(() => existsSync(lock));
  writeFileSync(lock, 'of another');
  const { code, output } = await distilling;
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining(out) });
  expect(readdirSync(out)).toEqual(['.webgpu-diffusion.lock']);
  expect(readFileSync(lock, 'utf8')).toBe('of another');
});

test('distil, stopped, leaves no folder of its own making, and one that was there', async () => {
  for (const before of [[], ['kept']]) {
    const out = join(root, before[0] ?? 'new');
    for (const name of before) mkdirSync(join(root, name));
    const distilling = distil(out);
    await until(() => existsSync(join(out, '.webgpu-diffusion.lock')));
    process.emit('SIGINT', 'SIGINT');
    expect((await distilling).output).toContain('Stopped; nothing was written.');
    expect(readdirSync(root).filter((name) => ['new', 'kept'].includes(name))).toEqual(before);
  }
});

test('distil, stopped while it measures, leaves all files of the new model', async () => {
  const out = join(root, 'measured');
  const report = join(out, 'run.json');
  mkdirSync(out);
  writeFileSync(join(out, 'model.safetensors'), '');
  writeFileSync(report, 'of an earlier model');
  const distilling = distil(out, '--seed', '6', '--quality', '100000', '--overwrite');
  await until(() => existsSync(join(out, 'samples.png')));
  process.emit('SIGINT', 'SIGINT');
  expect((await distilling).output).toContain(`Wrote in ${out}`);
  expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ settings: { seed: 6 } });
});

test('distil writes its files and measures the digits', async () => {
  const out = join(root, 'one');
  const output = await succeed(...args(out, '--seed', '5', '--f16'));
  expect(readdirSync(out).sort()).toEqual(['losses.csv', 'model.safetensors', 'run.json', 'samples.png']);
  expect(output).toContain(
    'to 1 call: trajectories from 12 noises at guidance 2, then 2 steps of 128 images',
  );
  expect(output).toMatch(/The model, 20 steps of euler, guidance 2: 40 network calls: .* accepted/);
  expect(output).toMatch(/The copy, 1 step of euler, guidance 1: 1 network call: .* accepted/);

  const bytes = readFileSync(join(out, 'model.safetensors'));
  expect(bytes.length).toBeLessThan(0.6 * readFileSync(teacher).length);
  const model = loadModel(bytes);
  expect(model).toMatchObject({ objective: 'flow', sampling: { method: 'euler', steps: 1, calls: 1 } });
  const losses = lossesIn(out);
  expect(losses).toHaveLength(3);
  expect(reportIn(out)).toMatchObject({
    settings: { calls: 1, seed: 5, noises: 12, steps: 2, batchSize: 128, learningRate: 1e-3, guidance: 2 },
    teacher: { model: teacher, fingerprint: model.teacher },
    quality: { count: 10, student: { sampling: { steps: 1 } }, teacher: { sampling: { steps: 20 } } },
  });

  // As often as one likes, with the same bits.
  await succeed(...args(out, '--seed', '5', '--quality', '0', '--overwrite'));
  expect(lossesIn(out)).toEqual(losses);
});
