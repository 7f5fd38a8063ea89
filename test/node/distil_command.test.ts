/** `distil` from end to end, on a few trajectories and steps. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { UNet } from '../../src/unet/unet';
import { loadModel, saveModel } from '../../src/weights/model';
import { testGpu } from '../lanes/gpu';
import { takesLong } from '../lanes/limits';
import { runHere } from './command';

const { gpu } = await testGpu();

const root = mkdtempSync(join(tmpdir(), 'distil-'));
const teacher = join(root, 'teacher.safetensors');
beforeAll(async () => {
  vi.stubEnv('WEBGPU_DIFFUSION_CACHE', join(root, 'cache'));
  using unet = await UNet.create(gpu, {
    ...{ widths: [4], kernelSize: 3, finalActivation: 'none' },
    conditioning: { noiseLevel: true, classes: 10 },
  });
  writeFileSync(teacher, await saveModel(unet, { objective: 'flow' }));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

const few = ['--model', teacher, '--noises', '12', '--steps', '2', '--quality', '10'];
const distil = (out: string, ...more: string[]) => runHere('distil', '--out', out, ...few, ...more);

test('distil leaves alone a folder that another process has taken', takesLong('runsProcesses'), async () => {
  const out = join(root, 'taken');
  const lock = join(out, '.webgpu-diffusion.lock');
  const distilling = distil(out, '--calls', '1');
  while (!existsSync(lock)) await new Promise((resolve) => setTimeout(resolve, 5));
  writeFileSync(lock, 'of another');
  const { code, output } = await distilling;
  expect([code, output]).toEqual([1, expect.stringContaining(out)]);
  expect(readdirSync(out)).toEqual(['.webgpu-diffusion.lock']);
  expect(readFileSync(lock, 'utf8')).toBe('of another');
});

test(
  'distil, stopped, leaves no folder of its own making, and one that was there',
  takesLong('runsProcesses'),
  async () => {
    for (const before of [[], ['kept']]) {
      const out = join(root, before[0] ?? 'new');
      for (const name of before) mkdirSync(join(root, name));
      const distilling = distil(out, '--calls', '1');
      while (!existsSync(join(out, '.webgpu-diffusion.lock')))
        await new Promise((resolve) => setTimeout(resolve, 5));
      process.emit('SIGINT', 'SIGINT');
      expect((await distilling).output).toContain('Stopped; nothing was written.');
      expect(readdirSync(root).filter((name) => ['new', 'kept'].includes(name))).toEqual(before);
    }
  },
);

test(
  'distil, stopped while it measures, leaves all files of the new model',
  takesLong('runsProcesses'),
  async () => {
    const out = join(root, 'measured');
    const report = join(out, 'run.json');
    mkdirSync(out);
    writeFileSync(join(out, 'model.safetensors'), '');
    writeFileSync(report, 'of an earlier model');
    const more = ['--calls', '1', '--seed', '6', '--quality', '100000', '--overwrite'];
    const distilling = distil(out, ...more);
    while (!existsSync(join(out, 'samples.png'))) await new Promise((resolve) => setTimeout(resolve, 5));
    process.emit('SIGINT', 'SIGINT');
    expect((await distilling).output).toContain(`Wrote in ${out}`);
    expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ settings: { seed: 6 } });
  },
);

test(
  'distil writes its files and measures the digits, and sample uses the model',
  takesLong('runsProcesses'),
  async () => {
    const out = join(root, 'one');
    const { code, output } = await distil(out, '--calls', '1', '--seed', '5', '--f16');
    expect(code, output).toBe(0);
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
    const losses = readFileSync(join(out, 'losses.csv'), 'utf8').trim().split('\n');
    expect(losses[0]).toBe('step,loss');
    expect(losses).toHaveLength(3);
    expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({
      settings: { calls: 1, seed: 5, noises: 12, steps: 2, batchSize: 128, learningRate: 1e-3, guidance: 2 },
      teacher: { model: teacher, fingerprint: model.teacher },
      quality: { count: 10, student: { sampling: { steps: 1 } }, teacher: { sampling: { steps: 20 } } },
    });

    const made = ['--model', join(out, 'model.safetensors')];
    const sampled = await runHere('sample', ...made, '--count', '2', '--out', join(out, 'two.png'));
    expect(sampled.output).toContain('2 images, 1 step of euler, distilled to 1 call');

    // As often as one likes, with the same bits.
    const again = await distil(out, '--calls', '1', '--seed', '5', '--quality', '0', '--overwrite');
    expect(again.code, again.output).toBe(0);
    expect(readFileSync(join(out, 'losses.csv'), 'utf8').trim().split('\n')).toEqual(losses);
  },
);
