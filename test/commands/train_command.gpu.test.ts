/** `train` from end to end, as it is typed; train_safety starts it as a user does. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { decodePng, encodePng } from '../../harness/cli/png';
import { loadModel } from '../../src/index';
import { findRecipe } from '../../src/recipes';
import { seal, UNKNOWN } from '../../src/weights/checksum';
import { encodeSafetensors } from '../../src/weights/encode';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { lossesIn, narrow, ownFolder, reportIn, runHere, succeed } from '../lib/command';
import { testGpu } from '../lib/gpu';
import { limit } from '../lib/lanes/limits';
import { idxFile } from '../lib/system';

vi.setConfig(limit('runsProcesses'));

await testGpu();

const files =
  'losses.csv epochs.csv loss.svg corruption.png predictions.png samples-5-steps.png samples-50-steps.png model.safetensors checkpoint.safetensors run.json'.split(
    ' ',
  );

const root = ownFolder();
const words = (line: string) => line.split(' ');
/** Writes a checkpoint anew, as another machine or a bad step may leave it. */
function rewrite(from: string, to: string, change: (of: Rewritten) => void): void {
  const { tensors, metadata } = decodeSafetensors(readFileSync(from));
  const of = { tensors, metadata: { ...metadata } };
  change(of);
  const file = encodeSafetensors(
    [...of.tensors].map(([name, tensor]) => ({ name, ...tensor })),
    of.metadata,
  );
  seal(file);
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, file);
}
interface Rewritten {
  readonly tensors: ReturnType<typeof decodeSafetensors>['tensors'];
  readonly metadata: Record<string, string>;
}

test('train writes all its files, and goes on with --resume', async () => {
  const out = join(root, 'train');
  const checkpoint = join(out, 'checkpoint.safetensors');
  await succeed('train', '--out', out, ...words('--limit 24 --batch 8 --epochs 1'), ...narrow);
  expect(readdirSync(out).sort()).toEqual([...files].sort());
  const before = lossesIn(out);
  expect(before).toHaveLength(4);
  expect(before[0]).toBe('step,epoch,loss');
  expect(reportIn(out)).toMatchObject({ settings: { batchSize: 8 } });

  const more = await succeed('train', '--resume', checkpoint, ...words('--epochs 2 --lr 0.002'));
  expect(more).toContain('after step 3, with a learning rate of 0.001 until then');
  const resumed = { settings: { learningRate: 0.002 }, resumedAtStep: 3, learningRateUntilThen: 0.001 };
  expect(reportIn(out)).toMatchObject(resumed);
  expect(lossesIn(out).slice(0, 4)).toEqual(before);
  expect(lossesIn(out)).toHaveLength(7);

  const brought = join(out, 'brought', 'checkpoint.safetensors');
  rewrite(checkpoint, brought, ({ metadata }) => {
    metadata.adapter = 'another \x1b[2JGPU';
  });
  const elsewhere = await succeed('train', '--resume', brought, '--epochs', '3');
  expect(elsewhere).toContain('so the last digits will differ: the run began on another \\u{1b}[2JGPU');
  expect(elsewhere).toContain('Kernels     the usual ones');

  // Another run's folder is another run's, whatever is resumed.
  const copy = join(out, 'copy', 'checkpoint.safetensors');
  rewrite(checkpoint, copy, () => {});
  const other = await runHere('train', '--out', out, '--resume', copy);
  expect(other).toMatchObject({ code: 2, output: expect.stringContaining('--overwrite') });
});

test('train warns once of a network that has died, and ends before weights overflow', async () => {
  const out = join(root, 'dead');
  const of = ['train', '--out', out, ...words('--limit 16 --batch 4 --epochs 30'), ...narrow];
  const dead = await succeed(...of, '--lr', '1');
  const warnings = dead.match(
    /^Warning: The losses of the last 100 steps equal the losses of a constant.*$/gm,
  );
  expect(warnings).toEqual([expect.stringContaining('another learning rate than 1,')]);

  expect(await succeed(...of, '--overwrite')).not.toContain('Warning');
  const file = join(out, 'checkpoint.safetensors');
  rewrite(file, file, ({ tensors, metadata }) => {
    tensors.get('up.0.bias')!.data.fill(3e38);
    Object.assign(metadata, UNKNOWN);
  });
  const all = () => readdirSync(out).map((name) => readFileSync(join(out, name)));
  const before = all();
  const { code, output } = await runHere('train', '--resume', file, '--epochs', '31');
  expect(code).toBe(1);
  expect(output).toContain(`The last checkpoint, ${file}, is of step 120.`);
  expect(output).toMatch(/Step 121 was not made: its loss is (Infinity|NaN)\./);
  expect(all()).toEqual(before);
});

test('train prints a choice of kernels, stores it with the run, and repeats it bit for bit', async () => {
  const out = join(root, 'kernels');
  // Small images, in a file of the format of MNIST.
  const data = join(root, 'train-images-idx3-ubyte');
  const pixels = Array.from({ length: 32 * 256 }, (_, i) => i * 37);
  writeFileSync(data, idxFile([32, 16, 16], pixels));
  const small = ['--data', data, ...words('--batch 8 --epochs 1 --widths 8 --lr 0.01')];
  const train = async (folder: string, ...flags: string[]) => {
    const own = join(out, folder);
    const output = await succeed('train', '--out', own, ...small, ...flags);
    return { output, losses: lossesIn(own), variants: reportIn(own).settings.variants };
  };
  const usual = await train('usual', '--no-tune');
  expect(usual.output).toMatch(/First step {2}after .* loading .* preparing .* the step /);
  const plain = Object.keys(usual.variants).map((entry) => `${entry}=direct`);
  const given = await train('given', '--variants', plain.join(','));
  expect(given.output).toContain('Kernels     as given\n            conv2d: direct (down.0 up.0)');
  expect(new Set(Object.values(given.variants))).toEqual(new Set(['direct']));
  expect(given.losses).not.toEqual(usual.losses);
  const again = await train('again', '--variants', join(out, 'given', 'run.json'));
  expect({ losses: again.losses, variants: again.variants }).toEqual({
    losses: given.losses,
    variants: given.variants,
  });
});

test('--recipe pictures trains on grey images too, and its files have its sampling', async () => {
  const out = join(root, 'pictures');
  const small = words('--limit 16 --holdout 0 --batch 8 --widths 4,4 --no-tune --quality 0 --epochs 1');
  const train = (folder: string, ...more: string[]) =>
    succeed('train', '--recipe', 'pictures', '--out', join(out, folder), ...small, ...more);
  const load = (...path: string[]) => loadModel(readFileSync(join(out, ...path)));
  expect(await train('usual')).toContain(
    '28x28x1, widths 4 4, kernels 3x3, 2 2 convolutions a level, residual, conditioned on noise level and 10 classes',
  );
  for (const name of ['model', 'checkpoint']) {
    const { config, sampling } = load('usual', `${name}.safetensors`);
    expect(sampling, name).toEqual({ method: 'adams', steps: 8, guidance: 1.5 });
    expect(findRecipe({ config, objective: 'flow' })).toBe('pictures');
  }
});

/** The side of the squares of one colour that the first image of a sheet consists of. */
function pixelOf(...path: string[]): number {
  const { data, width } = decodePng(readFileSync(join(root, ...path)));
  const isOf = (side: number) =>
    Array.from({ length: 64 * 64 }, (_, i) => [4 + (i % 64), 4 + (i >> 6)]).every(([x, y]) => {
      const at = y * width + x;
      const to = (y - ((y - 4) % side)) * width + x - ((x - 4) % side);
      return [0, 1, 2].every((c) => data[4 * at + c] === data[4 * to + c]);
    });
  return [4, 2].find(isOf) ?? 1;
}

test('finished images of the recipe pictures are enlarged: a run’s if its flag says so, sample’s as a rule', async () => {
  const data = join(root, 'colours');
  mkdirSync(data);
  for (let i = 0; i < 8; i++) {
    const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, at) => (at % 3 ? 30 * i : 250));
    writeFileSync(join(data, `${i}.png`), encodePng({ data: pixels, width: 16, height: 16, channels: 3 }));
  }
  const train = (...more: string[]) => succeed('train', '--data', data, '--no-tune', ...more);
  const out = join(root, 'enlarged');
  const small = words('--recipe pictures --holdout 0 --batch 8 --widths 4,4 --epochs 1');
  const resume = ['--resume', join(out, 'checkpoint.safetensors')];
  // A complete run makes its pictures again.
  for (const [given, enlarge, scale] of [
    [['--out', out, '--enlarge', 'smooth', ...small], 'smooth', 2],
    [resume, 'smooth', 2],
    [[...resume, '--enlarge', 'pixels'], 'pixels', 4],
  ] as const) {
    await train(...given);
    expect(reportIn(out).settings.enlarge).toEqual(enlarge);
    expect(pixelOf('enlarged', 'samples.png')).toEqual(scale);
  }

  const sample = (...more: string[]) =>
    succeed('sample', '--model', join(out, 'model.safetensors'), '--out', join(root, 'a.png'), ...more);
  expect(await sample(...words('--count 1 --steps 1'))).toContain('1 network call, enlarged;');
  expect(pixelOf('a.png')).toBe(2);
  expect(await sample(...words('--count 1 --steps 1 --enlarge pixels'))).not.toContain('enlarged');
  expect(pixelOf('a.png')).toBe(4);
  const both = await runHere('sample', ...words('--model pictures --history --enlarge smooth'));
  expect({ code: both.code, output: both.output }).toEqual({
    code: 2,
    output: expect.stringContaining('Leave out --enlarge.'),
  });
});

test('--recipe pictures leaves an epoch’s small last batch out', async () => {
  const out = join(root, 'last-batch');
  const small = words(
    '--limit 20 --holdout 0 --batch 8 --widths 4 --convolutions 1 --no-tune --quality 0 --epochs 2',
  );
  await succeed('train', '--recipe', 'pictures', '--out', out, ...small);
  const rows = lossesIn(out)
    .slice(1)
    .map((line) => line.split(',').map(Number));
  expect(rows.map(([step, epoch]) => `${step} ${epoch}`)).toEqual(['1 1', '2 1', '3 2', '4 2']);
  const { steps, timings } = reportIn(out);
  expect(steps).toBe(4);
  expect(timings.imagesPerSecond * timings.trainSeconds).toBeCloseTo(32);
});

test('--recipe digits trains, holds images out, resumes bit for bit, samples labels and measures', async () => {
  const out = join(root, 'digits');
  const small = [...words('--recipe digits --limit 60 --holdout 12 --batch 16 --no-tune'), ...narrow];
  const path = (...names: string[]) => join(out, ...names);
  const read = (...names: string[]) => readFileSync(path(...names), 'utf8');
  const report = (name: string) => reportIn(path(name));
  const train = (name: string, line: string) =>
    succeed('train', '--out', path(name), ...small, '--quality', '0', ...words(line));
  const schedule = '--schedule constant,warmup=2 --epochs 2';
  await train('six', schedule);
  const own = ['samples.png', 'trajectory.png', 'history.gif', 'loss-by-noise-level.svg'];
  const shared = files.filter((name) => !name.startsWith('samples'));
  expect(readdirSync(path('six')).sort()).toEqual([...shared, ...own].sort());
  expect(read('six', 'epochs.csv')).toMatch(
    /^epoch,mean_loss,held_out_loss\n1,[\d.]+,[\d.]+\n2,[\d.]+,[\d.]+\n$/,
  );
  const settings = { holdout: 12, objective: 'flow', clipNorm: 1 };
  expect(report('six')).toMatchObject({ steps: 6, settings, heldOut: { images: 12 } });

  // Ended before its first epoch is.
  expect(await train('one', '--schedule cosine,warmup=0 --max-steps 1')).not.toContain('Mean loss');
  expect(report('one')).toMatchObject({ steps: 1, settings: { schedule: { decay: 'cosine', steps: 1 } } });

  // Stopped after four of six steps, within the second epoch.
  await train('four', `${schedule} --max-steps 4`);
  expect(lossesIn(path('four'))).toHaveLength(5);
  const resume = ['train', '--resume', path('four', 'checkpoint.safetensors')];
  await succeed(...resume, '--epochs', '2');
  for (const name of ['losses.csv', 'epochs.csv']) expect(read('four', name)).toBe(read('six', name));
  const weights = (name: string) => decodeSafetensors(readFileSync(path(name, 'model.safetensors'))).tensors;
  expect(weights('four')).toEqual(weights('six'));

  const model = ['--model', path('six', 'model.safetensors')];
  const sample = ['sample', ...model, '--out', path('a.png'), ...words('--digits 707 --count 3 --steps 2')];
  expect(await succeed(...sample)).toContain('3 images, 2 steps of euler, guidance 2: 4 network calls');
  const evaluate = ['evaluate', ...model, '--count', '12', '--steps', '1', '--json', path('q.json')];
  expect(await succeed(...evaluate)).toContain('digit distance');
  const { samples, real } = JSON.parse(read('q.json'));
  expect(real.accepted).toBeGreaterThan(0.95);
  expect(samples.recall).toBeLessThan(real.recall);
});

// Beside what a network makes it looks at a thousand real digits, which `evaluate` does above.
test('the command train measures the quality of its digits at its end', { tags: 'nightly' }, async () => {
  const out = join(root, 'quality');
  const small = words('--recipe digits --limit 16 --batch 16 --epochs 1 --widths 4,8 --no-tune --quality 6');
  expect(await succeed('train', '--out', out, ...small)).toContain(
    'Quality of 6 samples (4 steps of adams, guidance 2: 8 network calls): ',
  );
  expect(reportIn(out).quality.real.accepted).toBeGreaterThan(0.95);
});
