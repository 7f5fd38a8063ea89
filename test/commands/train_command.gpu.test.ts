/** The command line's main job from end to end; train_safety.test.ts starts it as a user does. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { createEngine, loadModel, recipeAt } from '../../src/index';
import { recipeOf } from '../../src/recipes';
import { seal, UNKNOWN } from '../../src/weights/checksum';
import { encodeSafetensors } from '../../src/weights/encode';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { lossesIn, narrow, ownFolder, reportIn, runHere, succeed } from '../lib/command';
import { testGpu } from '../lib/gpu';
import { limit } from '../lib/lanes/limits';
import { idxFile } from '../lib/system';

vi.setConfig(limit('runsProcesses'));

const { gpu } = await testGpu();

const files = [
  'losses.csv',
  'epochs.csv',
  'loss.svg',
  'corruption.png',
  'predictions.png',
  'samples-5-steps.png',
  'samples-50-steps.png',
  'model.safetensors',
  'checkpoint.safetensors',
  'run.json',
];

const root = ownFolder();

test('train writes all its files, goes on with --resume, and sample uses the model', async () => {
  const out = join(root, 'train');
  const small = '--limit 24 --batch 8 --epochs 1'.split(' ');
  await succeed('train', '--out', out, ...small, ...narrow);
  expect(readdirSync(out).sort()).toEqual([...files].sort());
  const before = lossesIn(out);
  expect(before.length).toBe(4);
  expect(before[0]).toBe('step,epoch,loss');
  expect(reportIn(out)).toMatchObject({
    settings: { batchSize: 8 },
  });

  const resume = ['train', '--resume', join(out, 'checkpoint.safetensors'), '--epochs', '2'];
  const more = await succeed(...resume, '--lr', '0.002');
  expect(more).toContain('after step 3, with a learning rate of 0.001 until then');
  expect(reportIn(out)).toMatchObject({
    settings: { learningRate: 0.002 },
    resumedAtStep: 3,
    learningRateUntilThen: 0.001,
  });
  expect(lossesIn(out).slice(0, 4)).toEqual(before);
  expect(lossesIn(out)).toHaveLength(7);

  // Brought from another machine.
  const brought = join(out, 'brought', 'checkpoint.safetensors');
  const { tensors, metadata } = decodeSafetensors(readFileSync(join(out, 'checkpoint.safetensors')));
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  mkdirSync(dirname(brought));
  const file = encodeSafetensors(named, { ...metadata, adapter: 'another \x1b[2JGPU' });
  seal(file);
  writeFileSync(brought, file);
  const elsewhere = await succeed('train', '--resume', brought, '--epochs', '3');
  expect(elsewhere).toContain('so the last digits will differ: the run began on another \\u{1b}[2JGPU');
  expect(elsewhere).toContain('Kernels     the usual ones');

  const png = join(out, 'again.png');
  const model = join(out, 'model.safetensors');
  await succeed('sample', '--model', model, '--out', png, '--count', '4', '--steps', '2');
  expect([...readFileSync(png).subarray(1, 4)]).toEqual([...'PNG'].map((c) => c.charCodeAt(0)));

  const refused = await runHere('train', '--out', out, '--resume', model);
  expect(refused.code).toBe(1);

  // Another run's folder is another run's, whatever is resumed.
  const copy = join(out, 'copy', 'checkpoint.safetensors');
  mkdirSync(dirname(copy));
  copyFileSync(join(out, 'checkpoint.safetensors'), copy);
  const other = await runHere('train', '--out', out, '--resume', copy);
  expect(other).toMatchObject({ code: 2, output: expect.stringContaining('--overwrite') });
});

test('train warns once of a network that has died, and ends before weights overflow', async () => {
  const out = join(root, 'dead');
  const of = ['train', '--out', out, '--limit', '16', '--batch', '4', ...narrow];
  const dead = await succeed(...of, '--epochs', '30', '--lr', '1');
  const warnings = dead.match(
    /^Warning: The losses of the last 100 steps equal the losses of a constant.*$/gm,
  );
  expect(warnings).toEqual([expect.stringContaining('another learning rate than 1,')]);

  const alive = await succeed(...of, '--epochs', '30', '--overwrite');
  expect(alive).not.toContain('Warning');
  const file = join(out, 'checkpoint.safetensors');
  const { tensors, metadata } = decodeSafetensors(readFileSync(file));
  tensors.get('up.0.bias')!.data.fill(3e38);
  const bytes = encodeSafetensors(
    [...tensors].map(([name, t]) => ({ name, ...t })),
    { ...metadata, ...UNKNOWN },
  );
  seal(bytes);
  writeFileSync(file, bytes);
  const before = readdirSync(out).map((name) => readFileSync(join(out, name)));
  const diverged = await runHere('train', '--resume', file, '--epochs', '31');
  expect(diverged.code).toBe(1);
  expect(diverged.output).toContain(`The last checkpoint, ${file}, is of step 120.`);
  expect(diverged.output).toMatch(/Step 121 was not made: its loss is (Infinity|NaN)\./);
  expect(readdirSync(out).map((name) => readFileSync(join(out, name)))).toEqual(before);
});

test('train measures a choice of kernels once, prints it, stores it with the run, and repeats it bit for bit', async () => {
  const out = join(root, 'kernels');
  // Small images, in a file of the format of MNIST.
  const data = join(root, 'train-images-idx3-ubyte');
  const pixels = Array.from({ length: 32 * 256 }, (_, i) => i * 37);
  writeFileSync(data, idxFile([32, 16, 16], pixels));
  const small = ['--data', data, ...'--batch 8 --epochs 1 --widths 8 --lr 0.01'.split(' ')];
  const train = async (folder: string, ...flags: string[]) => {
    const output = await succeed('train', '--out', join(out, folder), ...small, ...flags);
    const read = (name: string) => readFileSync(join(out, folder, name), 'utf8');
    return {
      output,
      losses: read('losses.csv'),
      variants: JSON.parse(read('run.json')).settings.variants,
    };
  };
  const usual = await train('usual', '--no-tune');
  expect(usual.output).toContain('the usual ones, not measured here');
  expect(usual.output).toMatch(/First step {2}after .* loading .* preparing .* the step /);
  const choices = () => {
    const remembered = Object.keys(JSON.parse(readFileSync(join(root, 'cache', 'tuning.json'), 'utf8')));
    expect(remembered.length).toBeGreaterThan(0); // what was checked
    return remembered.filter((key) => key.startsWith('["choice"')).length;
  };
  expect(choices()).toBe(0);

  const plain = Object.keys(usual.variants).map((entry) => `${entry}=direct`);
  const given = await train('given', '--variants', plain.join(','));
  expect(given.output).toContain('Kernels     as given\n            conv2d: direct (down.0 up.0)');
  expect(new Set(Object.values(given.variants))).toEqual(new Set(['direct']));
  expect(given.losses).not.toBe(usual.losses);
  const again = await train('again', '--variants', join(out, 'given', 'run.json'));
  expect(again.losses).toBe(given.losses);
  expect(again.variants).toEqual(given.variants);

  const tuned = await train('tuned', '--tune');
  expect(tuned.output).toMatch(/the fastest, measured in /);
  expect(choices()).toBeGreaterThan(2);
  const known = await train('known', '--tune');
  expect(known.output).toContain('the fastest, as measured before');
  expect(known.variants).toEqual(tuned.variants);
  expect(known.losses).toBe(tuned.losses);
});

test('--recipe pictures trains on grey images too, and its files have its sampling', async () => {
  const out = join(root, 'pictures');
  const small = '--limit 16 --holdout 0 --batch 8 --widths 4,4 --no-tune --quality 0 --epochs 1'.split(' ');
  const output = await succeed('train', '--recipe', 'pictures', '--out', out, ...small);
  expect(output).toContain(
    '28x28x1, widths 4 4, kernels 3x3, 2 2 convolutions a level, residual, conditioned on noise level and 10 classes',
  );
  for (const name of ['model', 'checkpoint']) {
    const { config, sampling } = loadModel(readFileSync(join(out, `${name}.safetensors`)));
    expect(sampling, name).toEqual({ method: 'adams', steps: 8, guidance: 1.5 });
    expect(recipeOf({ config, objective: 'flow' })).toBe('pictures');
  }
  // What its name does not say, as ever.
  const other = join(out, 'other');
  const changed = ['--recipe', 'pictures', '--kernel-size', '5', '--out', other, ...small];
  await succeed('train', ...changed);
  expect(loadModel(readFileSync(join(other, 'model.safetensors'))).sampling).toMatchObject({
    method: 'euler',
    steps: 20,
  });
});

test('--recipe digits-3x3 leaves an epoch’s small last batch out', async () => {
  const out = join(root, 'digits-3x3');
  const small = '--limit 20 --holdout 0 --batch 8 --widths 4 --convolutions 1 --no-tune --quality 0'.split(
    ' ',
  );
  await succeed('train', '--recipe', 'digits-3x3', '--out', out, ...small, '--epochs', '2');
  const [, ...lines] = lossesIn(out);
  const rows = lines.map((line) => line.split(',').map(Number));
  expect(rows.map(([step, epoch]) => [step, epoch])).toEqual([
    [1, 1],
    [2, 1],
    [3, 2],
    [4, 2],
  ]);
  // What `fit` makes of the same images.
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const { network, trainer, fit } = recipeAt('digits-3x3', 8);
  const unet = await engine.createUNet({ ...network, widths: [4], convolutionsPerLevel: 1 }, { seed: 123 });
  const digits = await loadDigits();
  const images = { ...digits, count: 20, images: digits.images.subarray(0, 20 * 784) };
  const labels = (await loadDigitLabels()).subarray(0, 20);
  const data = await engine.createDataset({ ...images, labels });
  const training = await engine.createTrainer(unet, trainer);
  const losses: number[] = [];
  for await (const { loss } of training.fit(data, { ...fit, epochs: 2, seed: 123 })) losses.push(loss);
  engine.destroy();
  expect(rows.map(([, , loss]) => loss.toFixed(5))).toEqual(losses.map((loss) => loss.toFixed(5)));
  const { steps, timings } = reportIn(out);
  expect(steps).toBe(4);
  expect(timings.imagesPerSecond * timings.trainSeconds).toBeCloseTo(32);
});

test('--recipe digits trains, holds images out, resumes bit for bit, samples labels and measures', async () => {
  const out = join(root, 'digits');
  const small = [...'--recipe digits --limit 60 --holdout 12 --batch 16 --no-tune'.split(' '), ...narrow];
  const path = (...names: string[]) => join(out, ...names);
  const read = (...names: string[]) => readFileSync(path(...names), 'utf8');
  const schedule = ['--schedule', 'constant,warmup=2', '--epochs', '2', '--quality', '0'];
  await succeed('train', '--out', path('six'), ...small, ...schedule);
  expect(readdirSync(path('six')).sort()).toEqual(
    [
      ...files.filter((name) => !name.startsWith('samples')),
      'samples.png',
      'trajectory.png',
      'history.gif',
      'loss-by-noise-level.svg',
    ].sort(),
  );
  expect(read('six', 'epochs.csv')).toMatch(
    /^epoch,mean_loss,held_out_loss\n1,[\d.]+,[\d.]+\n2,[\d.]+,[\d.]+\n$/,
  );
  const report = (name: string) => reportIn(path(name));
  const settings = { holdout: 12, objective: 'flow', clipNorm: 1 };
  expect(report('six')).toMatchObject({ steps: 6, settings, heldOut: { images: 12 } });
  expect(report('six').quality).toBeUndefined();

  // Ended before its first epoch is.
  const one = ['--schedule', 'cosine,warmup=0', '--max-steps', '1', '--quality', '0'];
  expect(await succeed('train', '--out', path('one'), ...small, ...one)).not.toContain('Mean loss');
  expect(report('one')).toMatchObject({
    steps: 1,
    settings: { schedule: { decay: 'cosine', steps: 1 } },
  });

  // Stopped after four of six steps, within the second epoch.
  await succeed('train', '--out', path('four'), ...small, ...schedule, '--max-steps', '4');
  expect(lossesIn(path('four'))).toHaveLength(5);
  const resume = ['train', '--resume', path('four', 'checkpoint.safetensors')];
  // The resumed run measures no quality, as the run before.
  await succeed(...resume, '--epochs', '2');
  expect(report('four').quality).toBeUndefined();
  for (const name of ['losses.csv', 'epochs.csv']) expect(read('four', name)).toBe(read('six', name));
  const weights = (name: string) => decodeSafetensors(readFileSync(path(name, 'model.safetensors'))).tensors;
  expect(weights('four')).toEqual(weights('six'));
  const other = await runHere(...resume, '--recipe', 'tutorial');
  expect(other).toMatchObject({
    code: 2,
    output: expect.stringContaining('of a run of the recipe digits'),
  });

  const model = ['--model', path('six', 'model.safetensors')];
  const sample = [
    'sample',
    ...model,
    '--out',
    path('a.png'),
    ...'--digits 707 --count 3 --steps 2'.split(' '),
  ];
  expect(await succeed(...sample)).toContain('3 images, 2 steps of adams, guidance 2: 4 network calls');
  await succeed(...sample, '--method', 'heun', '--guidance', '1', '--history');
  const evaluate = ['evaluate', ...model, '--count', '12', '--steps', '1', '--json', path('q.json')];
  expect(await succeed(...evaluate)).toContain('digit distance');
  const { samples, real } = JSON.parse(read('q.json'));
  expect(real.accepted).toBeGreaterThan(0.95);
  expect(samples.recall).toBeLessThan(real.recall);
});

// Beside what a network makes it looks at a thousand real digits, which `evaluate` does above.
test('the command train measures the quality of its digits at its end', { tags: 'nightly' }, async () => {
  const out = join(root, 'quality');
  const small = '--recipe digits --limit 16 --batch 16 --epochs 1 --widths 4,8 --no-tune --quality 6'.split(
    ' ',
  );
  const output = await succeed('train', '--out', out, ...small);
  expect(output).toContain('Quality of 6 samples (4 steps of adams, guidance 2: 8 network calls): ');
  const { quality } = reportIn(out);
  expect(quality.real.accepted).toBeGreaterThan(0.95);
});
