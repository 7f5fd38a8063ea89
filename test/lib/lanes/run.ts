/** `npm test` and `npm run test:all`: runs the lanes, two at a time, and sums them up. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, loadavg, setPriority } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { binaryVariable, findBrowser } from '../../../harness/run/browsers';
import { type Lane, laneFiles, lanes, testFiles } from './lanes';
import type { LaneMessage, LaneResult } from './reporter';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const laneNames = Object.keys(lanes) as Lane[];

/** What `npm run test:all` runs after the lanes, and the program of each. */
const parts: Readonly<Record<string, string>> = {
  long: 'test/long/main.ts',
  package: 'test/repository/package/main.ts',
  faults: 'test/faults/main.ts',
};

const help = `npm test -- [--lane NAME]... [--verbose] [WORD]...
npm run test:all -- [--lane NAME]... [--verbose] [PART] [WORD]...

npm test runs in three minutes what a change is most likely to break. With WORDs, and as test:all, it leaves nothing out.
${laneNames.map((name) => `  ${name.padEnd(8)} ${lanes[name]}`).join('\n')}
test:all also runs these parts, or only the one that is named:
  long     what takes minutes: kills, memory, whole figures
  package  the packed library in projects of each kind
  faults   faults that are planted in the sources, one after the other

  --lane NAME   only this lane (or several: node,chrome)
  --verbose     list every test
  WORD          part of a file's name (contract/trainer): its tests; or a kernel (conv2d) or part of a test's title: the tests that have
                one of these, in the files that other words name, if any does

CHROME_BIN and FIREFOX_BIN name the browsers to use.`;

/** Two of these run at a time: each waits much, for a driver that compiles or a page. Never two browsers: they share what Vite prepares. */
const onGpu: readonly Lane[] = ['node', 'page', 'firefox', 'chrome'];
const browsers: readonly Lane[] = ['chrome', 'firefox'];
/** They run meanwhile, one after the other, on what the others leave. */
const aside: readonly Lane[] = ['unit', 'emulate'];
const LOW_PRIORITY = 10;

/** A lane in which no test begins or ends for this time is ended: something holds its thread, so that no test's own limit (limits.ts) comes. */
const SILENCE_MS = 600_000;

/** What Dawn says about every device. */
const dawnNoise = /^Warning: maxDynamic\w+ artificially reduced .*\n/gm;

interface Outcome extends LaneResult {
  readonly seconds: number;
  /** What to say in place of counts, where the lane did not run. */
  readonly note?: string;
}
const nothing: LaneResult = { adapter: '', passed: 0, failed: 0, skipped: 0 };

// ---------------------------------------------------------------- what a lane needs

/** Asked in a process of its own: a broken driver may crash it. */
const findsAdapter = () =>
  promisify(execFile)(
    process.execPath,
    [
      '-e',
      `import('webgpu').then(async ({ create }) => process.exit((await create([]).requestAdapter()) ? 0 : 1))`,
    ],
    { cwd: root, timeout: 60_000 },
  ).then(
    () => true,
    () => false,
  );

/** What a lane may need, the packages of Debian that have it, and whether it is there. */
export const needs = {
  chrome: {
    name: `Chrome (set ${binaryVariable.chrome} or install it)`,
    packages: ['chromium'],
    isThere: async () => findBrowser('chrome') !== undefined,
  },
  firefox: {
    name: `Firefox (set ${binaryVariable.firefox} or install it)`,
    packages: ['firefox-esr'],
    isThere: async () => findBrowser('firefox') !== undefined,
  },
  vulkan: {
    name: 'a GPU driver that Dawn can use (on Linux: Vulkan; Mesa has one in software)',
    packages: ['mesa-vulkan-drivers', 'libvulkan1'],
    isThere: findsAdapter,
  },
  emoji: {
    name: 'a font of coloured emoji',
    packages: ['fonts-noto-color-emoji'],
    isThere: async () =>
      process.platform !== 'linux' ||
      spawnSync('fc-list', [':color=True', 'family'], { encoding: 'utf8' }).stdout?.includes('Emoji') ===
        true,
  },
};
type Need = keyof typeof needs;
const needsOf: Readonly<Record<Lane, readonly Need[]>> = {
  unit: [],
  emulate: [],
  node: ['vulkan'],
  chrome: ['chrome'],
  firefox: ['firefox', 'vulkan'],
  page: ['chrome', 'emoji'],
};
const namesOf = (what: readonly Need[]) => what.map((need) => needs[need].name).join('; ');

async function missing(wanted: readonly Lane[]): Promise<Need[]> {
  const all = [...new Set(wanted.flatMap((lane) => needsOf[lane]))];
  const there = await Promise.all(all.map((need) => needs[need].isThere()));
  return all.filter((_, i) => !there[i]);
}

/** As root on Debian: installs what is missing, after saying so. */
function install(what: readonly Need[]): void {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (process.getuid?.() !== 0 || !/^ID=debian$/m.test(release)) return;
  const packages = what.flatMap((need) => needs[need].packages);
  console.log(`Missing: ${namesOf(what)}. Installing with apt-get: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stderr, error } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status === 0) continue;
    console.log(`apt-get ${args[0]} failed: ${error?.message ?? stderr}`);
    return;
  }
}

// ---------------------------------------------------------------- running

const kernels = new Set(readdirSync(join(root, 'harness', 'specs')).map((file) => basename(file, '.ts')));

/** The filters that `words` mean to vitest: file names, and one pattern for the tests' titles. */
function filters(words: readonly string[]): { files: readonly string[]; pattern: string } {
  const files: string[] = [];
  const patterns: string[] = [];
  for (const word of words) {
    const named = testFiles.filter((file) => file.slice('test/'.length).includes(word));
    if (kernels.has(word)) patterns.push(`\\b${word}\\b`);
    else if (named.length > 0) files.push(...named);
    else patterns.push(word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  }
  return { files: files.length > 0 ? files : testFiles, pattern: patterns.join('|') };
}

const running = new Set<ChildProcess>();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    interrupted = true;
    for (const child of running) end(child);
  });

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

interface Asked {
  readonly pattern: string;
  /** Whether tests with the tag `nightly` run, too. */
  readonly whole: boolean;
  readonly verbose: boolean;
}

async function runLane(
  lane: Lane,
  files: readonly string[],
  { pattern, whole, verbose }: Asked,
): Promise<Outcome> {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--config',
    join(root, 'test/lib/lanes/vitest.config.ts'),
    ...files,
    '--project',
    lane,
    '--project',
    `${lane}-*`,
    '--reporter',
    verbose ? 'verbose' : 'minimal',
    '--reporter',
    join(root, 'test/lib/lanes/reporter.ts'),
    ...(pattern ? ['--testNamePattern', pattern] : []),
    ...(whole ? [] : ['--tags-filter', '!nightly']),
  ];
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true' },
    // A process group of its own, to be ended with all its workers.
    detached: process.platform !== 'win32',
  });
  if (aside.includes(lane) && child.pid) setPriority(child.pid, LOW_PRIORITY);
  running.add(child);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (verbose) process.stdout.write(text);
      else output += text;
    });

  let result: LaneResult | undefined;
  const begun = new Set<string>();
  let hung = '';
  const where = () => [...begun].join('; ') || 'outside of tests';
  const onSilence = () => {
    const load = `a load of ${loadavg()[0].toFixed(1)} on ${availableParallelism()} cores`;
    hung = `Nothing happened for ${SILENCE_MS / 1000} s, with ${load}, in ${where()}: ended.`;
    end(child);
  };
  let silence = setTimeout(onSilence, SILENCE_MS);
  child.on('message', (message: LaneMessage) => {
    clearTimeout(silence);
    silence = setTimeout(onSilence, SILENCE_MS);
    if ('result' in message) result = message.result;
    else if ('begun' in message) begun.add(message.begun);
    else begun.delete(message.ended);
  });
  const [code, signal] = await once(child, 'close');
  clearTimeout(silence);
  // A worker that hangs outlives vitest.
  killGroup(child);
  running.delete(child);

  const counts = { ...(result ?? nothing) };
  const problems: string[] = [];
  if (hung) problems.push(hung);
  else if (!result || (code !== 0 && counts.failed === 0))
    problems.push(`vitest ended with ${code ?? signal} in ${where()}.`);
  else if (counts.passed + counts.failed === 0 && !pattern) problems.push('No test ran.');
  counts.failed += problems.length;
  if (counts.failed > 0 && !interrupted)
    console.log([`---- ${lane}`, output.replace(dawnNoise, ''), ...problems, ''].join('\n'));
  return { ...counts, seconds: (performance.now() - start) / 1000 };
}

/** Runs a part of `npm run test:all` that is a program of its own. Whether it succeeds. */
async function succeeds(part: string, words: readonly string[]): Promise<boolean> {
  console.log(`\n==== ${part}`);
  const args = ['harness/tools/main.mjs', parts[part], ...words];
  const [code] = await once(spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }), 'close');
  return code === 0;
}

const counts = ({ passed, failed, skipped }: LaneResult): string =>
  `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;

const flags = {
  lane: { type: 'string', multiple: true },
  all: { type: 'boolean' },
  help: { type: 'boolean' },
  verbose: { type: 'boolean' },
} as const;

/** Runs what the command line asks for; gives the exit code, and throws what is wrong with the command line. */
export async function main(args: string[]): Promise<number> {
  const { values, positionals: words } = parseArgs({ args, allowPositionals: true, options: flags });
  const { verbose = false, all = false } = values;
  const given = values.lane?.flatMap((names) => names.split(','));
  const unknown = given?.find((name) => !(name in lanes));
  if (unknown) throw new Error(`There is no lane ${unknown}.`);
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (all && words[0] in parts) return (await succeeds(words[0], words.slice(1))) ? 0 : 1;
  const wanted = laneNames.filter((name) => given?.includes(name) ?? true);
  const { files, pattern } = filters(words);
  const whole = all || words.length > 0;

  let absent = await missing(wanted);
  if (absent.length > 0) {
    install(absent);
    absent = await missing(wanted);
  }

  const outcomeOf = async (lane: Lane): Promise<Outcome> => {
    const lacks = needsOf[lane].filter((need) => absent.includes(need));
    if (lacks.length > 0) {
      // Chrome is where most people run this; the other lanes may be absent unless asked for.
      const failed = lacks.includes('chrome') || given ? 1 : 0;
      return { ...nothing, failed, seconds: 0, note: `not run: missing ${namesOf(lacks)}` };
    }
    const chosen = laneFiles(lane, whole).filter((file) => files.includes(file));
    if (chosen.length > 0) return runLane(lane, chosen, { pattern, whole, verbose });
    return { ...nothing, failed: words.length > 0 ? 0 : 1, seconds: 0, note: 'no test file' };
  };
  const begun = new Set<Lane>();
  const outcomes = new Map<Lane, Outcome>();
  const runsBrowser = () => browsers.some((lane) => begun.has(lane) && !outcomes.has(lane));
  const runInTurn = async (queue: readonly Lane[]) => {
    while (!interrupted) {
      // A browser that must wait is left to the one who runs a browser now.
      const isNext = (lane: Lane) => !begun.has(lane) && !(browsers.includes(lane) && runsBrowser());
      const lane = queue.find((next) => wanted.includes(next) && isNext(next));
      if (!lane) return;
      begun.add(lane);
      outcomes.set(lane, await outcomeOf(lane));
    }
  };
  await Promise.all([runInTurn(onGpu), runInTurn(onGpu), runInTurn(aside)]);
  if (interrupted) return 130;

  const total = { ...nothing };
  for (const lane of wanted) {
    const outcome = outcomes.get(lane)!;
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    const time = `${outcome.seconds.toFixed(1)} s`.padStart(8);
    const adapter = outcome.adapter && `  (${outcome.adapter})`;
    console.log(`${lane.padEnd(8)} ${time}  ${outcome.note ?? counts(outcome)}${adapter}`);
  }
  if (all && words.length === 0 && !given)
    for (const part of Object.keys(parts)) if (!(await succeeds(part, []))) total.failed++;
  if (total.passed + total.failed === 0) {
    console.log(`No test matches ${words.join(' ')}.`);
    total.failed = 1;
  }
  console.log(counts(total));
  return total.failed > 0 ? 1 : 0;
}
