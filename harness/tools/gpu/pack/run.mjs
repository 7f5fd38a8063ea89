// What run.sh runs on the machine with the GPU: adapters, check, bench, three trainings, PyTorch. Collects what they print and their
// JSON in a folder, and ends with 0 only if all passed.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadDigits } from './cli/digits.js';
import { createEngine } from './cli/index.js';
import { create, globals } from './cli/node_modules/webgpu/index.js';
import { trainings } from './trainings.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const stageNames = ['adapters', 'check', 'bench', 'train', 'torch'];
const help = `run.sh [--out DIR] [--only STAGE,…] [--quick]

Checks, benches and trains webgpu-diffusion on this machine's GPU, and PyTorch beside it if python3 and torch are there.

  --out DIR     where the results go (default ./webgpu-diffusion-results)
  --only …      some of ${stageNames.join(', ')} (default all)
  --quick       a little of each, in about a minute, to see that it runs; also without a GPU
  --help        this

The exit code is 0 if everything that was run passed.`;

const { out, only, quick } = readArguments();
const data = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-'));
process.on('exit', () => rmSync(data, { recursive: true, force: true }));
try {
  mkdirSync(out, { recursive: true });
} catch (error) {
  stop(`The output folder ${out} cannot be made: ${error.message}. Give another with --out.`);
}

/** 10,000 digits, and seven times as many for the tutorial's 274 steps an epoch. */
const digits = await loadDigits();
const oneSet = idxFile('digits-10000', 1);
const sevenSets = idxFile('digits-70000', 7);

Object.assign(globalThis, globals);
const gpu = create([]);
const engine = await createEngine({ gpu }).catch((error) => stop(error.message));
const { adapter } = engine;
engine.destroy();
console.log(
  `Adapter: ${adapter.description || adapter.device || 'not named'}${adapter.software ? ' (in software)' : ''}\n`,
);
if (adapter.software && !quick) {
  stop(
    "There is no GPU here that Vulkan knows, only an adapter in software. Install the GPU's driver, or give --quick to see that all runs.",
  );
}
// Results of this machine alone, and nothing left in anybody's home.
process.env.WEBGPU_DIFFUSION_CACHE = join(out, 'cache');
const nvidia = spawnSync('nvidia-smi', { encoding: 'utf8' });
if (nvidia.status === 0) writeFileSync(join(out, 'nvidia-smi.txt'), nvidia.stdout);

const started = new Date().toISOString();
const stages = [];
const cli = (name, ...args) =>
  stage(name, process.env.WEBGPU_DIFFUSION_NODE ?? process.execPath, [join(here, 'cli', 'cli.js'), ...args]);
const wanted = (name) => only.includes(name);

if (wanted('adapters')) await cli('adapters', 'adapters');
if (wanted('check')) await cli('check', 'check', ...(quick ? ['--kernel', '*pool*'] : []));
if (wanted('bench')) {
  const few = quick ? ['--kernel', 'step', '--batch', '8', '--budget', '15'] : ['--budget', '120'];
  await cli('bench', 'bench', '--json', join(out, 'bench.json'), ...few);
}
if (wanted('train')) {
  for (const { name, most, flags } of trainings({ quick, sevenSets: dirname(sevenSets) }))
    await train(name, most, ...flags);
}
if (wanted('torch')) await torch();

const passed = stages.every((s) => s.passed !== false);
writeFileSync(
  join(out, 'summary.json'),
  `${JSON.stringify({ started, quick, adapter, passed, stages }, null, 1)}\n`,
);
console.log(`\n${comparison().join('\n')}`);
for (const { name, passed: ok, seconds, note } of stages) {
  const word = ok === null ? 'skipped' : ok ? 'passed' : 'FAILED';
  console.log(`${word.padEnd(8)} ${name.padEnd(12)} ${seconds.toFixed(0).padStart(4)} s  ${note}`);
}
console.log(`\n${passed ? 'All that was run passed' : 'NOT all passed'}. Results: ${out}`);
process.exit(passed ? 0 : 1);

// ---------------------------------------------------------------- stages

/** Runs a command; what it prints goes to the screen and to NAME.txt. `check` may find fault with what it left: a note, or throws. */
async function stage(name, command, args, check = () => '') {
  console.log(`\n== ${name}: ${args.join(' ')}`);
  const start = performance.now();
  const log = createWriteStream(join(out, `${name}.txt`));
  const code = await new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        process.stdout.write(chunk);
        log.write(chunk);
      });
    }
    child.on('error', (error) => done(error.message));
    child.on('close', (exitCode, signal) => done(exitCode ?? signal));
  });
  log.end();
  let note = code === 0 ? '' : `ended with ${code}`;
  let good = code === 0;
  try {
    if (good) note = check();
  } catch (error) {
    good = false;
    note = error.message;
  }
  stages.push({ name, passed: good, seconds: (performance.now() - start) / 1000, note });
}

async function train(name, most, ...flags) {
  const folder = join(out, name);
  const run = process.env.WEBGPU_DIFFUSION_NODE ?? process.execPath;
  const command = ['train', '--out', folder, '--overwrite', ...flags];
  await stage(name, run, [join(here, 'cli', 'cli.js'), ...command], () => {
    const { steps, epochs, timings, quality } = json(join(folder, 'run.json'));
    const { meanLoss } = epochs[epochs.length - 1];
    if (!(meanLoss < most))
      throw new Error(`mean loss of the last epoch ${meanLoss}, which should be below ${most}`);
    const accepted = quality ? `, ${(100 * quality.samples.accepted).toFixed(1)}% of samples accepted` : '';
    return `${steps} steps in ${timings.trainSeconds.toFixed(1)} s, mean loss of the last epoch ${meanLoss.toFixed(4)}${accepted}`;
  });
}

async function torch() {
  const probe = spawnSync('python3', ['-c', 'import torch'], { encoding: 'utf8', env: systemEnvironment() });
  if (probe.status !== 0) {
    const note = probe.error
      ? 'there is no python3'
      : `python3 has no torch: ${probe.stderr.trim().split('\n').pop()}`;
    stages.push({ name: 'torch', passed: null, seconds: 0, note });
    return;
  }
  const file = quick ? oneSet : sevenSets;
  const args = [join(here, 'torch_compare.py'), '--data', file, ...(quick ? ['--quick'] : [])];
  console.log('\n== torch: python3 torch_compare.py');
  const start = performance.now();
  const result = spawnSync('python3', args, {
    encoding: 'utf8',
    env: systemEnvironment(),
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.stdout) writeFileSync(join(out, 'torch.json'), result.stdout);
  const passed = result.status === 0;
  const note = passed ? '' : `ended with ${result.status ?? result.signal}`;
  stages.push({ name: 'torch', passed, seconds: (performance.now() - start) / 1000, note });
}

/** Python is the system's, and wants the system's libraries. */
function systemEnvironment() {
  const { LD_LIBRARY_PATH: _, ...env } = process.env;
  return process.env.SYSTEM_LD_LIBRARY_PATH
    ? { ...env, LD_LIBRARY_PATH: process.env.SYSTEM_LD_LIBRARY_PATH }
    : env;
}

/** Steps and trainings side by side, as far as there are numbers for them. */
function comparison() {
  const rows = [];
  const ms = (value) => (value === undefined ? '–' : value.toPrecision(3));
  const read = (...path) => {
    try {
      return json(join(out, ...path));
    } catch {
      return undefined;
    }
  };
  const [bench, run, peer] = [
    wanted('bench') && read('bench.json'),
    wanted('train') && read('train-70000', 'run.json'),
    wanted('torch') && read('torch.json'),
  ];
  if (bench || run) {
    const { step, forward, batch } = bench || {};
    rows.push([
      `webgpu-diffusion${batch ? `, batch ${batch}` : ''}`,
      ms(step?.ms.median),
      ms(forward?.ms.median),
      run ? `${run.steps} steps in ${run.timings.trainSeconds.toFixed(2)} s` : '–',
    ]);
  }
  for (const { mode, layout, tf32, step, forward, training, error } of peer?.rows ?? []) {
    const name = `PyTorch ${mode}, ${layout}, TF32 ${tf32 ? 'on' : 'off'}, batch ${peer.batch}`;
    rows.push([
      name,
      ms(step?.median),
      ms(forward?.median),
      training ? `${training.steps} steps in ${training.seconds.toFixed(2)} s` : (error ?? '').slice(0, 60),
    ]);
  }
  if (rows.length === 0) return [];
  const all = [['', 'step ms', 'forward ms', 'whole training'], ...rows];
  const width = Math.max(...all.map(([name]) => name.length));
  return [
    ...all.map(([name, a, b, c]) => `${name.padEnd(width)}  ${a.padStart(8)}  ${b.padStart(10)}  ${c}`),
    '',
  ];
}

// ---------------------------------------------------------------- odds and ends

function readArguments() {
  const options = {
    out: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean' },
    help: { type: 'boolean' },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    stop(`${error.message} See run.sh --help.`, 2);
  }
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const names = values.only?.split(',') ?? stageNames;
  const unknown = names.find((name) => !stageNames.includes(name));
  if (unknown !== undefined)
    stop(`--only names ${JSON.stringify(unknown)}; it may name ${stageNames.join(', ')}.`, 2);
  return {
    out: resolve(values.out ?? 'webgpu-diffusion-results'),
    only: names,
    quick: values.quick === true,
  };
}

/** The digits, `times` times over, as a file of IDX in a folder of its own. */
function idxFile(name, times) {
  const { count, height, width, images } = digits;
  const head = Buffer.alloc(16);
  for (const [i, value] of [0x803, count * times, height, width].entries()) head.writeUInt32BE(value, 4 * i);
  mkdirSync(join(data, name));
  const path = join(data, name, `${name}-images-idx3-ubyte`);
  writeFileSync(path, Buffer.concat([head, ...Array(times).fill(images)]));
  return path;
}

function json(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function stop(message, code = 1) {
  console.error(message);
  process.exit(code);
}
