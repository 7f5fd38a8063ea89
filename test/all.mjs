/**
 * `npm run test:all`: all that is tested, part by part: every lane with its slow tests, the long figures, the package, the planted faults. It
 * takes hours. The file below, which git ignores, remembers at which commit a part has passed: it is not run again there. Prints the
 * table of docs/reliability.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { load } from '../harness/tools/build/load.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}node_modules/.cache/webgpu-diffusion/test-all.json`;

const help = `npm run test:all -- [--list] [PART]...

Runs all tests, part by part, and remembers which parts have passed at this commit.

  --list   what has passed, and what is left; runs nothing
  PART     only the parts that have one of these words in their name`;

const lanes = ['unit', 'emulate', 'node', 'chrome', 'firefox', 'page'];
const { groups: long } = await load('test/long/main.ts');
const { groups: faults } = await load('test/mutants/list.ts');
const runs = 'harness/tools/main.mjs';
/** What each part runs. */
const parts = new Map([
  ...lanes.map((lane) => [`thorough ${lane}`, ['test/run.mjs', '--thorough', '--lane', lane]]),
  ['package', [runs, 'test/package/main.ts']],
  ...Object.keys(long).map((group) => [`long ${group}`, [runs, 'test/long/main.ts', group]]),
  ...faults.map((group) => [`mutants ${group}`, [runs, 'test/mutants/main.ts', group]]),
]);

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** The last time that each part has passed: commit, date and seconds. */
function readPassed() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {}; // no file yet
  }
}

async function succeeds(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  const [code] = await once(child, 'close');
  return code === 0;
}

/** Rows of docs/reliability.md. */
const table = (passed) =>
  [...parts.keys()].map((name) => {
    const { date, commit, seconds } = passed[name] ?? {};
    return `| ${name} | ${date ? `${date} | ${commit.slice(0, 7)} | ${seconds}` : 'not run | |'} |`;
  });

async function main(args) {
  const options = { list: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const names = [...parts.keys()];
  const chosen = names.filter(
    (name) => positionals.length === 0 || positionals.some((word) => name.includes(word)),
  );
  if (chosen.length === 0)
    throw new Error(`No part has ${positionals.join(' or ')} in its name; there are ${names.join(', ')}.`);
  const commit = git('rev-parse', 'HEAD');
  const passed = readPassed();
  let failed = 0;
  if (!values.list) {
    // What passes is said of a commit.
    if (git('status', '--porcelain'))
      throw new Error('There are changes that no commit has: commit them first.');
    for (const name of chosen.filter((part) => passed[part]?.commit !== commit)) {
      console.log(`\n==== ${name}`);
      const start = performance.now();
      if (!(await succeeds(parts.get(name)))) {
        failed++;
        continue;
      }
      const seconds = Math.round((performance.now() - start) / 1000);
      passed[name] = { commit, date: new Date().toISOString().slice(0, 10), seconds };
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify(passed, null, 2));
    }
  }
  console.log(['', '| part | passed | at | seconds |', '|---|---|---|--:|', ...table(passed)].join('\n'));
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(`${error.message}\n\n${help}`);
  return 2;
});
