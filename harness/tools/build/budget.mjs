/**
 * The size of the project, a part of `npm run check`: prints the characters without white space of all text in each folder, and the number
 * of files, beside what budget.json allows, and fails where there is more. Markdown counts once, as Markdown. There is room for a kernel, as
 * docs/kernels.md adds one.
 *
 *   node harness/tools/build/budget.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import budget from './budget.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../', import.meta.url));
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.split('\n').filter((path) => path && existsSync(root + path));

/** Files whose text does not count: the lock file, measurements, numbers of other programs, data, and pictures as text. */
const data =
  /^package-lock\.json$|^docs\/results\/|\/golden\/.*\.json$|\/torch\.|\/shapes\/|\.(safetensors|svg|gz)$/;
/** The row of the budget that a file counts for, by how its path begins or ends: the first that fits. */
const rows = {
  '.md': 'Markdown',
  'shaders/': 'shaders',
  'src/': 'src',
  'harness/page/': 'harness/page',
  'harness/': 'the rest of harness',
  'test/': 'test',
  'examples/': 'examples',
  'index.html': 'harness/page',
};

const counted = Object.fromEntries(Object.keys(budget).map((row) => [row, 0]));
counted['files in all'] = files.length;
for (const path of files) {
  const key = Object.keys(rows).find((part) => path.startsWith(part) || path.endsWith(part));
  const text = readFileSync(root + path, 'utf8');
  if (key && !data.test(path) && !text.includes('\0'))
    counted[rows[key]] += [...text.replace(/\s/g, '')].length;
}

const number = (value) => value.toLocaleString('en').padStart(12);
console.log(`${''.padEnd(22)}${'characters'.padStart(12)}${'budget'.padStart(12)}`);
for (const [row, most] of Object.entries(budget)) {
  console.log(`${row.padEnd(22)}${number(counted[row])}${number(most)}`);
  if (counted[row] <= most) continue;
  console.error(
    `${row} is over its budget (harness/tools/build/budget.json). Shorten it, or raise the number and say in the commit what went for it.`,
  );
  process.exitCode = 1;
}
