/** Runs the lanes, some at a time, and sums them up. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, loadavg, setPriority } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { binaryVariable, findBrowser } from '../../harness/run/browsers';
import type { LaneMessage, LaneResult } from './reporter';

const root = fileURLToPath(new URL('../../', import.meta.url));

const lanes = {
  unit: 'everything that needs no GPU',
  emulate: 'small cases of every shader in an interpreter that finds races; no GPU',
  node: 'Node with the npm package webgpu (Dawn)',
  chrome: 'Chrome or Chromium, headless',
  firefox: 'Firefox, headless; there also the main path of the page',
  page: 'the harness page, driven in Chrome as a visitor would',
} as const;
type Lane = keyof typeof lanes;
const laneNames = Object.keys(lanes) as Lane[];

/** What a process runs: a lane, or its files under a folder. */
interface Job {
  readonly lane: Lane;
  readonly under?: string;
}
/**
 * Two of these run at a time, since each spends much of its time on one core or waits: for a driver that compiles, a reference that is
 * computed, a deadline. They begin in this order, by which both cores have work to the end; but never two browsers at once, since they
 * share what Vite prepares for them.
 */
const onGpu: readonly Job[] = [
  { lane: 'page' },
  { lane: 'node', under: join('test', 'node') },
  { lane: 'node', under: join('test', 'gpu') },
  { lane: 'firefox' },
  { lane: 'chrome' },
];
const browsers: readonly Lane[] = ['chrome', 'firefox'];
/** They run meanwhile, one after the other, on what the others leave. */
const aside: readonly Job[] = [{ lane: 'unit' }, { lane: 'emulate' }];
const LOW_PRIORITY = 10;

const help = `npm test -- [--lane NAME]... [--verbose] [WORD]...

Runs the tests in each lane, up to three at a time:
${laneNames.map((name) => `  ${name.padEnd(8)} ${lanes[name]}`).join('\n')}

  --lane NAME   only this lane (or several: node,chrome)
  --verbose     list every test
  --thorough    also the slow tests, and in browsers the tests of what the engine does around its kernels
  --quick       with a WORD, too, only what runs without one
  WORD          part of a file's name (gradients): its tests; or a kernel (conv2d) or part of a test's title: the tests that have one of
                these, in the files that other words name, if any does

CHROME_BIN and FIREFOX_BIN name the browsers to use.`;

/** A lane in which no test begins or ends for this time is ended: something holds its thread, so that no test's own limit (limits.ts) comes. */
const SILENCE_MS = 600_000;

/** What Dawn says about every device. */
const dawnNoise = /^Warning: maxDynamic\w+ artificially reduced .*\n/gm;

interface Outcome {
  readonly lane: Lane;
  readonly seconds: number;
  readonly result: LaneResult;
  /** What to say in place of counts, where the lane did not run. */
  readonly note?: string;
}

const nothing: LaneResult = { adapter: '', passed: 0, failed: 0, skipped: 0 };

// ---------------------------------------------------------------- what to run

const testFiles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join('test', file));
const kernels = new Set(readdirSync(join(root, 'harness', 'specs')).map((file) => basename(file, '.ts')));

/** Test files of each lane, relative to the root. The same sets as in projects.ts. */
function laneFiles(lane: Lane): string[] {
  const everywhere = (file: string) => file.startsWith(join('test', 'gpu'));
  const nodeOnly = (file: string) => file.startsWith(join('test', 'node'));
  const emulates = (file: string) => file === join('test', 'engine', 'emulate.test.ts');
  const drivesPage = (file: string) =>
    file === join('test', 'page', 'smoke.test.ts') || file.startsWith(join('test', 'page', 'driven'));
  const inFirefox = (file: string) => file === join('test', 'page', 'firefox.test.ts');
  if (lane === 'emulate') return testFiles.filter(emulates);
  if (lane === 'page') return testFiles.filter(drivesPage);
  if (lane === 'unit') {
    return testFiles.filter(
      (file) => ![everywhere, nodeOnly, emulates, drivesPage, inFirefox].some((of) => of(file)),
    );
  }
  return testFiles.filter(
    (file) =>
      everywhere(file) || (lane === 'node' && nodeOnly(file)) || (lane === 'firefox' && inFirefox(file)),
  );
}

/**
 * What browsers run of test/gpu unless more is asked for: what depends on their compilers and drivers, or needs what Node lacks. What the engine
 * does around its kernels is the same on every device, and `node` shows it.
 */
const ofBrowsers = ['golden', 'kernels', 'lost_device', 'painter', 'picture_sources', 'real_worker'];
/** Firefox also passes all messages of a worker. */
const ofFirefox = ['worker'];
const isLeftOut = (lane: Lane, file: string) =>
  browsers.includes(lane) &&
  file.startsWith(join('test', 'gpu')) &&
  ![...ofBrowsers, ...(lane === 'firefox' ? ofFirefox : [])].includes(basename(file, '.test.ts'));

/** What a lane runs beside the project of its name (projects.ts). */
const alsoOf: Partial<Record<Lane, readonly string[]>> = {
  unit: ['unit-mocking'],
  node: ['node-mocking'],
  firefox: ['firefox-page'],
};

/** The filters that `words` mean to vitest: file names, and one pattern for the tests' titles. */
function filters(words: readonly string[]): { files: string[]; pattern: string } {
  const literal = (word: string) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const named = (word: string) => testFiles.filter((file) => relative('test', file).includes(word));
  const chosen: string[] = [];
  const patterns: string[] = [];
  for (const word of words) {
    if (kernels.has(word)) patterns.push(`\\b${word}\\b`);
    else if (named(word).length > 0) chosen.push(...named(word));
    else patterns.push(literal(word));
  }
  return { files: chosen.length > 0 ? chosen : testFiles, pattern: patterns.join('|') };
}

// ---------------------------------------------------------------- what a lane needs

const packages = {
  chrome: ['chromium'],
  firefox: ['firefox-esr'],
  vulkan: ['mesa-vulkan-drivers', 'libvulkan1'],
};
type Need = keyof typeof packages;
const needs: Record<Lane, Need[]> = {
  unit: [],
  emulate: [],
  node: ['vulkan'],
  chrome: ['chrome'],
  firefox: ['firefox', 'vulkan'],
  page: ['chrome'],
};
const describeNeed: Record<Need, string> = {
  chrome: `Chrome (set ${binaryVariable.chrome} or install it)`,
  firefox: `Firefox (set ${binaryVariable.firefox} or install it)`,
  vulkan: 'a GPU driver that Dawn can use (on Linux: Vulkan; Mesa has one in software)',
};

async function isThere(need: Need): Promise<boolean> {
  if (need !== 'vulkan') return findBrowser(need) !== undefined;
  // Asked in a process of its own: a broken driver may crash it.
  const probe = `import('webgpu').then(async ({ create }) => process.exit((await create([]).requestAdapter()) ? 0 : 1))`;
  const run = promisify(execFile)(process.execPath, ['-e', probe], { cwd: root, timeout: 60_000 });
  return run.then(
    () => true,
    () => false,
  );
}

async function missing(wanted: readonly Lane[]): Promise<Need[]> {
  const all = [...new Set(wanted.flatMap((lane) => needs[lane]))];
  const there = await Promise.all(all.map(isThere));
  return all.filter((_, i) => !there[i]);
}

/** As root on Debian: installs what is missing, after saying so. */
function install(what: readonly Need[]): void {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (process.getuid?.() !== 0 || !/^ID=debian$/m.test(release)) return;
  const names = what.flatMap((need) => packages[need]);
  console.log(`Missing: ${what.map((need) => describeNeed[need]).join('; ')}.`);
  console.log(`Installing with apt-get: ${names.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...names]]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status !== 0) {
      console.log(`apt-get ${args[0]} failed: ${error?.message ?? stderr}`);
      return;
    }
  }
}

// ---------------------------------------------------------------- running

/** Ends vitest: gently, so that the browser's driver can end the browser, which is not in vitest's process group. */
function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  setTimeout(() => killGroup(child), 5000).unref();
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

let interrupted = false;

/** Where there is a terminal, how many tests each lane that runs has done; without `count`, a lane is over. */
const done = new Map<Lane, number>();
function showProgress(lane: Lane, count?: number): void {
  if (!process.stdout.isTTY) return;
  if (count === undefined) done.delete(lane);
  else done.set(lane, count);
  process.stdout.write(`\r\x1b[K${[...done].map(([name, n]) => `${name}: ${n} done`).join(', ')}`);
}

interface Asked {
  readonly pattern: string;
  readonly thorough: boolean;
  readonly verbose: boolean;
}

async function runLane(lane: Lane, files: readonly string[], asked: Asked): Promise<Outcome> {
  const { pattern, thorough, verbose } = asked;
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const projects = [lane, ...(alsoOf[lane] ?? [])];
  const args = [vitest, 'run', '--config', join(root, 'test/lanes/vitest.config.ts')];
  args.push(...projects.flatMap((project) => ['--project', project]));
  args.push('--reporter', verbose ? 'verbose' : 'minimal');
  args.push('--reporter', join(root, 'test/lanes/reporter.ts'), ...files);
  if (pattern) args.push('--testNamePattern', pattern);
  if (!thorough) args.push('--tags-filter', '!thorough');
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true' },
    // A process group of its own, to be ended with all its workers.
    detached: process.platform !== 'win32',
  });
  if (aside.some((job) => job.lane === lane) && child.pid) setPriority(child.pid, LOW_PRIORITY);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (verbose) process.stdout.write(text);
      else output += text;
    });
  }
  const interrupt = () => {
    interrupted = true;
    end(child);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);

  let result: LaneResult | undefined;
  let doing = 'starting';
  const running = new Set<string>();
  let finished = 0;
  let hung = '';
  const onSilence = () => {
    const where = running.size > 0 ? `in ${[...running].join('; ')}` : doing;
    const load = `a load of ${loadavg()[0].toFixed(1)} on ${availableParallelism()} cores`;
    hung = `Nothing happened for ${SILENCE_MS / 1000} s, with ${load} (${where}): ended.`;
    end(child);
  };
  let silence = setTimeout(onSilence, SILENCE_MS);
  child.on('message', (message: LaneMessage) => {
    clearTimeout(silence);
    silence = setTimeout(onSilence, SILENCE_MS);
    if ('result' in message) result = message.result;
    else if ('module' in message) doing = `in ${message.module}`;
    else if ('running' in message) running.add(message.running);
    else {
      running.delete(message.finished);
      doing = `after ${message.finished}`;
      if (!verbose) showProgress(lane, ++finished);
    }
  });
  const code = await new Promise<number | string>((resolve) =>
    child.on('close', (status, signal) => resolve(status ?? signal ?? 1)),
  );
  clearTimeout(silence);
  // A worker that hangs outlives vitest.
  killGroup(child);
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  if (!verbose) showProgress(lane);

  const counts = { ...(result ?? nothing) };
  const problems: string[] = [];
  if (hung) problems.push(hung);
  else if (!result || (code !== 0 && counts.failed === 0))
    problems.push(`vitest ended with ${code} (${doing}).`);
  else if (counts.passed + counts.failed === 0 && !pattern) problems.push('No test ran.');
  counts.failed += problems.length;
  if (counts.failed > 0 && !interrupted)
    console.log([`---- ${lane}`, output.replace(dawnNoise, ''), ...problems, ''].join('\n'));
  return { lane, seconds: (performance.now() - start) / 1000, result: counts };
}

/** The outcome of a lane from its jobs' outcomes: the seconds of all. A job without files says nothing if another has some. */
function together(jobs: readonly Outcome[]): Outcome {
  const ran = jobs.filter(({ note }) => note === undefined);
  const some = ran.length > 0 ? ran : jobs.slice(0, 1);
  const sum = (of: (outcome: Outcome) => number) => some.reduce((all, outcome) => all + of(outcome), 0);
  return {
    ...some[0],
    seconds: sum(({ seconds }) => seconds),
    result: {
      adapter: some.find(({ result }) => result.adapter)?.result.adapter ?? '',
      passed: sum(({ result }) => result.passed),
      failed: sum(({ result }) => result.failed),
      skipped: sum(({ result }) => result.skipped),
    },
  };
}

function counts({ passed, failed, skipped }: LaneResult): string {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

/** Runs what the command line asks for; returns the exit code. */
export async function main(args: string[]): Promise<number> {
  let options: { lane?: string[]; help?: boolean; verbose?: boolean; thorough?: boolean; quick?: boolean };
  let words: string[];
  let given: string[] | undefined;
  try {
    ({ values: options, positionals: words } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        lane: { type: 'string', multiple: true },
        help: { type: 'boolean' },
        verbose: { type: 'boolean' },
        thorough: { type: 'boolean' },
        quick: { type: 'boolean' },
      },
    }));
    given = options.lane?.flatMap((names) => names.split(','));
    const unknown = given?.find((name) => !(name in lanes));
    if (unknown) throw new Error(`There is no lane ${unknown}.`);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  const wanted = laneNames.filter((name) => given?.includes(name) ?? true);
  const { files, pattern } = filters(words);

  let absent = await missing(wanted);
  if (absent.length > 0) {
    install(absent);
    absent = await missing(wanted);
  }

  const outcomeOf = async ({ lane, under = '' }: Job): Promise<Outcome> => {
    const lacks = needs[lane].filter((need) => absent.includes(need));
    const { verbose = false, quick = false, thorough = words.length > 0 && !quick } = options;
    const chosen = laneFiles(lane).filter(
      (file) => file.startsWith(under) && files.includes(file) && (thorough || !isLeftOut(lane, file)),
    );
    if (lacks.length > 0) {
      // Chrome is where most people run this; the other lanes may be absent unless asked for.
      const fatal = lacks.includes('chrome') || given !== undefined;
      const note = `not run: missing ${lacks.map((need) => describeNeed[need]).join('; ')}`;
      return { lane, seconds: 0, result: { ...nothing, failed: fatal ? 1 : 0 }, note };
    }
    if (chosen.length === 0) {
      const failed = words.length > 0 ? 0 : 1;
      return { lane, seconds: 0, result: { ...nothing, failed }, note: 'no test file' };
    }
    return runLane(lane, chosen, { pattern, thorough, verbose });
  };
  const outcomes = new Map<Job, Outcome>();
  const begun = new Set<Job>();
  const isBrowser = ({ lane }: Job) => browsers.includes(lane);
  const runsBrowser = () => [...begun].some((job) => isBrowser(job) && !outcomes.has(job));
  const runInTurn = async (jobs: readonly Job[]) => {
    const waiting = jobs.filter(({ lane }) => wanted.includes(lane));
    while (!interrupted) {
      // A browser that must wait is left to the one who runs a browser now.
      const job = waiting.find((next) => !begun.has(next) && !(isBrowser(next) && runsBrowser()));
      if (!job) return;
      begun.add(job);
      outcomes.set(job, await outcomeOf(job));
    }
  };
  await Promise.all([runInTurn(onGpu), runInTurn(onGpu), runInTurn(aside)]);
  if (interrupted) return 130;

  const total = { ...nothing };
  for (const { lane, seconds, result, note } of wanted.map((name) =>
    together([...outcomes.values()].filter((of) => of.lane === name)),
  )) {
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
    const time = `${seconds.toFixed(1)} s`.padStart(8);
    console.log(
      `${lane.padEnd(8)} ${time}  ${note ?? counts(result)}${result.adapter && `  (${result.adapter})`}`,
    );
  }
  if (total.passed + total.failed === 0) {
    console.log(`No test matches ${words.join(' ')}.`);
    total.failed = 1;
  }
  console.log(counts(total));
  return total.failed > 0 ? 1 : 0;
}
