/**
 * `npm run check`: types, lint and format, texts, the budget and the package's sizes, side by side. Every stage runs, whatever the
 * others find; what they find comes first, and the last lines say which of them passed.
 */
import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const PATH = `${root}node_modules/.bin${delimiter}${process.env.PATH}`;

/** What writes the shaders' types, which the stages need. */
const FIRST = { shaders: 'node shaders/declare.mjs' };
/** The longest one first. */
const STAGES = {
  types: 'tsc --noEmit --incremental --tsBuildInfoFile node_modules/.cache/types.tsbuildinfo',
  sizes: 'node harness/tools/build/package_size.mjs',
  'lint, format': 'biome check .',
  budget: 'node harness/tools/build/budget.mjs',
  texts: 'node harness/tools/build/texts.mjs',
};

/** Runs a stage; gives its last line once what it found is printed. */
function run([name, command]) {
  const start = performance.now();
  const child = spawn(command, { cwd: root, shell: true, env: { ...process.env, PATH } });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      if (code !== 0) {
        process.exitCode = 1;
        console.log(`── ${name}: ${command}\n${output}`);
      }
      resolve(`${name.padEnd(14)}${code === 0 ? 'passed' : 'FAILED'}${seconds.padStart(7)} s`);
    });
  });
}

const lines = [];
for (const stages of [FIRST, STAGES]) lines.push(...(await Promise.all(Object.entries(stages).map(run))));
console.log(lines.join('\n'));
