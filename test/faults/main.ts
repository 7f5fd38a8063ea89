/** `npm run test:all -- faults`: plants one fault after the other in a copy of the tree, and says which of them a test notices. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { copyTree, linkModules } from '../lib/copy_tree';
import { all, groups, type Mutant, mutated, type Net } from './list';

const help = `npm run test:all -- faults [--list] [WORD]...

Plants one fault after the other in a copy of the tree, and runs the test that must notice it. Fails where none does.

  --list   names the faults, and plants none
  WORD     only the faults of a group (${groups.join(', ')}), or with one of these words in their name or file`;

const root = pathToFileURL(`${process.cwd()}/`);

let running: ChildProcess | undefined;
let stopped = false;
function stop(): void {
  stopped = true;
  running?.kill();
}

/** Whether a test of the net fails. What fails for another reason throws: a lane that cannot run catches nothing. */
async function test(folder: string, { lane, words }: Net): Promise<boolean> {
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

/**
 * Few nets in place of many, to see that they hold without a fault: what always fails notices nothing. Words that name files and words of
 * titles narrow each other, so nets of files alone stay by themselves.
 */
function netsTogether(nets: readonly Net[]): Net[] {
  const together = new Map<string, Net>();
  for (const { lane, words } of nets) {
    const key = `${lane} ${words.length > 1}`;
    const before = together.get(key)?.words ?? [];
    together.set(key, { lane, words: [...new Set([...before, ...words])] });
  }
  return [...together.values()];
}

/** Whether its net notices the fault. */
async function isCaught(folder: string, mutant: Mutant): Promise<boolean> {
  const path = join(folder, mutant.file);
  const whole = readFileSync(path);
  writeFileSync(path, mutated(pathToFileURL(`${folder}/`), mutant));
  try {
    return await test(folder, mutant.caughtBy);
  } finally {
    writeFileSync(path, whole);
  }
}

export async function main(args: string[]): Promise<number> {
  let words: string[];
  let list: boolean | undefined;
  try {
    const options = { list: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
    if (values.help) {
      console.log(help);
      return 0;
    }
    words = positionals;
    list = values.list;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
  const chosen = all.filter(
    ({ group, name, file }) =>
      words.length === 0 ||
      words.some((word) => (groups.includes(word) ? word === group : `${name} ${file}`.includes(word))),
  );
  if (chosen.length === 0) {
    console.error(`No fault has ${words.join(' or ')} in its name; --list names them.`);
    return 2;
  }
  // All of them, before anything takes time.
  for (const mutant of chosen) mutated(root, mutant);
  if (list) {
    for (const { name, file, caughtBy } of chosen)
      console.log(`${name} (${file}; ${[caughtBy.lane, ...caughtBy.words].join(' ')})`);
    return 0;
  }

  process.on('SIGINT', stop).on('SIGTERM', stop);
  const folder = mkdtempSync(join(tmpdir(), 'faults-'));
  copyTree(folder);
  linkModules(folder);
  const survivors: string[] = [];
  try {
    for (const net of netsTogether(chosen.map(({ caughtBy }) => caughtBy))) {
      if (await test(folder, net)) throw new Error(`Without a fault ${JSON.stringify(net)} fails, too.`);
    }
    for (const mutant of chosen) {
      const start = performance.now();
      const caught = await isCaught(folder, mutant);
      if (!caught) survivors.push(mutant.name);
      const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
      console.log(`${caught ? 'caught  ' : 'SURVIVED'} ${seconds} s  ${mutant.name}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(`${chosen.length - survivors.length} of ${chosen.length} caught`);
  for (const name of survivors) console.log(`survived: ${name}`);
  return survivors.length > 0 ? 1 : 0;
}
