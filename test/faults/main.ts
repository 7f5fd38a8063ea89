/** `npm run test:all -- faults`: plants faults in a copy of the tree, one after the other, and says which of them no test notices. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stryker } from '@stryker-mutator/core';
import { copyTree, linkModules } from '../lib/copy_tree';
import { type Fault, readList, withFault } from './list';

const MUTANTS = 1000;
const SEED = 1;

const help = `npm run test:all -- faults [FOLDER]

Plants one fault after the other in a copy of the tree, and runs tests that must notice it: first the faults of test/faults/list.txt, each with the
test that it names, then ${MUTANTS} mutants of Stryker's in lines of src that unit tests run, drawn by a seed. Fails where a fault of the list
survives; survivors of the mutants are listed by file, each a place where a test may be missing.

  FOLDER   only faults in files below it: shaders/conv2d, src/sampling`;

let running: ChildProcess | undefined;
let stopped = false;
function stop(): void {
  stopped = true;
  running?.kill();
}

/** Whether a test that the fault names fails. What fails for another reason throws: a lane that cannot run catches nothing. */
async function isSeen(folder: string, { lane, words }: Fault): Promise<boolean> {
  const args = ['test/run.mjs', '--lane', lane, ...words];
  const env = { ...process.env, PAGE_FROM_SOURCES: 'yes' };
  running = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  running.stdout!.on('data', (text) => {
    output += text;
  });
  const [code] = await once(running, 'close');
  if (stopped) throw new Error('Stopped.');
  if (code === 0) return false;
  if (!/ FAIL /.test(output) || /^No test matches/m.test(output))
    throw new Error(`npm test -- ${args.slice(1).join(' ')} did not run:\n${output.slice(-2000)}`);
  return true;
}

/** Plants the faults of the list; how many survive. */
async function plantList(faults: readonly Fault[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  copyTree(folder);
  linkModules(folder);
  let survivors = 0;
  try {
    // What fails without a fault notices none.
    for (const net of new Map(
      faults.map((fault) => [[fault.lane, ...fault.words].join(' '), fault]),
    ).values())
      if (await isSeen(folder, net))
        throw new Error(`${net.lane} ${net.words.join(' ')} fails without a fault, too.`);
    for (const fault of faults) {
      const path = join(folder, fault.file);
      const whole = readFileSync(path, 'utf8');
      const start = performance.now();
      writeFileSync(path, withFault(whole, fault));
      const seen = await isSeen(folder, fault);
      writeFileSync(path, whole);
      if (!seen) survivors++;
      const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
      console.log(`${seen ? 'seen    ' : 'SURVIVED'} ${seconds} s  ${fault.name}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${faults.length - survivors} of ${faults.length} seen`);
  return survivors;
}

/** Plants mutants in the files of `pattern`, and lists the survivors by file. */
async function plantMutants(pattern: string): Promise<void> {
  const results = await new Stryker({
    testRunner: 'vitest',
    vitest: { configFile: 'test/faults/vitest.config.ts' },
    plugins: ['@stryker-mutator/vitest-runner', './test/faults/sample.mjs'],
    checkers: ['sample'],
    ...({ sample: { count: MUTANTS, seed: SEED } } as object),
    warnings: false,
    mutate: [pattern],
    // A mutant in what a module does when it loads would need a process of its own.
    ignoreStatic: true,
    tempDirName: mkdtempSync(join(tmpdir(), 'mutants-')),
    ignorePatterns: ['/dist', '/runs'],
    reporters: ['progress-append-only'],
    allowConsoleColors: false,
  }).runMutationTest();
  const of = (...states: string[]) => results.filter(({ status }) => states.includes(status));
  const survivors = of('Survived').map(({ fileName, location: { start }, mutatorName, replacement }) => {
    const becomes = replacement.replace(/\s+/g, ' ').slice(0, 80);
    return `${fileName.slice(process.cwd().length + 1)}:${start.line}  ${mutatorName}: ${becomes}`;
  });
  for (const line of survivors.sort()) console.log(line);
  const seen = of('Killed', 'Timeout').length;
  console.log(`${seen} of ${seen + survivors.length} mutants seen`);
}

export async function main([folder = '', ...more]: string[]): Promise<number> {
  if (more.length > 0 || folder.startsWith('-')) {
    console.log(help);
    return folder === '--help' ? 0 : 2;
  }
  const list = readList('test/faults/list.txt', readFileSync('test/faults/list.txt', 'utf8'));
  // All of them, before anything takes time: a text that is there no more is an error of the list.
  for (const fault of list) withFault(readFileSync(fault.file, 'utf8'), fault);
  const chosen = list.filter(({ file }) => file.startsWith(folder));
  const mutated = folder || 'src';
  const hasMutants = /^src(\/|$)/.test(mutated) && existsSync(mutated);
  if (chosen.length === 0 && !hasMutants) {
    console.error(`No fault lies below ${folder}. Give a folder of shaders or src.`);
    return 2;
  }
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const survivors = await plantList(chosen);
  // Stryker ends by itself.
  process.off('SIGINT', stop).off('SIGTERM', stop);
  if (hasMutants) await plantMutants(`${mutated}/**/*.ts`);
  return survivors > 0 ? 1 : 0;
}
