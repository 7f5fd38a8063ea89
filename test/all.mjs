/**
 * `npm run test:all`: all that is tested, part by part: every lane with its slow tests, the long figures, the package, the planted faults. It
 * takes hours. A part that has passed at this commit is not run again: the file below, which git ignores, remembers it. Prints the table
 * of docs/reliability.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}node_modules/.cache/webgpu-diffusion/test-all.json`;

const help = `npm run test:all -- [--list] [PART]...

Runs all tests, part by part, and remembers which parts have passed at this commit.

  --list   what has passed, and what is left; runs nothing
  PART     only these parts`;

const lanes = ['unit', 'emulate', 'node', 'chrome', 'firefox', 'page'];
/** What each part runs. */
const parts = new Map([
  ...lanes.map((lane) => [`thorough ${lane}`, ['test/run.mjs', '--thorough', '--lane', lane]]),
  ['package', ['test/package/run.mjs']],
  ['long', ['test/long/run.mjs']],
  ['mutants', ['test/mutants/run.mjs']],
]);

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

/** What has passed at `commit`. */
function passedAt(commit) {
  try {
    const known = JSON.parse(readFileSync(file, 'utf8'));
    return known.commit === commit ? known.passed : {};
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
const table = (commit, passed) =>
  [...parts.keys()].map((name) => {
    const { date, seconds } = passed[name] ?? {};
    return `| ${name} | ${date ? `${date}, ${commit.slice(0, 7)}, ${seconds} s` : 'not run'} |`;
  });

async function main(args) {
  const options = { list: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const unknown = positionals.find((name) => !parts.has(name));
  if (unknown) throw new Error(`There is no part ${unknown}; there are ${[...parts.keys()].join(', ')}.`);
  const commit = git('rev-parse', 'HEAD');
  const passed = passedAt(commit);
  let failed = 0;
  if (!values.list) {
    // What passes is said of a commit.
    if (git('status', '--porcelain'))
      throw new Error('There are changes that no commit has: commit them first.');
    for (const [name, command] of parts) {
      if (passed[name] || (positionals.length > 0 && !positionals.includes(name))) continue;
      console.log(`\n==== ${name}`);
      const start = performance.now();
      if (!(await succeeds(command))) {
        failed++;
        continue;
      }
      const seconds = Math.round((performance.now() - start) / 1000);
      passed[name] = { date: new Date().toISOString().slice(0, 10), seconds };
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, JSON.stringify({ commit, passed }, null, 2));
    }
  }
  console.log(['', '| part | passed |', '|---|---|', ...table(commit, passed)].join('\n'));
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  console.error(`${error.message}\n\n${help}`);
  return 2;
});
