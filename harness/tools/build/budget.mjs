/**
 * The size of the project, a part of `npm run check`: prints the characters without white space of all text in each folder, and the number
 * of files, beside what budget.json allows, and fails where there is more. Markdown counts once, as Markdown.
 *
 *   node harness/tools/build/budget.mjs
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import budget from './budget.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Folders that others fill, and generated files. */
const generated = /(^|\/)(node_modules|\.git|__pycache__|\.vite)(\/|$)|^(dist|runs)\/|\.gen\.|\.log$/;
/** Files whose text does not count: the lock file, measurements, numbers of other programs, data, and pictures as text. */
const data =
  /^package-lock\.json$|^docs\/results\/|\/golden\/.*\.json$|\/torch\.|\/shapes\/|\.(safetensors|svg|gz)$/;

const folders = ['shaders', 'src', 'harness/page', 'harness', 'test', 'examples'];

/** The row of the budget that a file counts for; undefined for what only adds to the number of files. */
function rowOf(file) {
  if (file.endsWith('.md')) return 'Markdown';
  const folder = file === 'index.html' ? 'harness/page' : folders.find((path) => file.startsWith(`${path}/`));
  return folder === 'harness' ? 'the rest of harness' : folder;
}

/** Characters of a file without white space; 0 for a file that is no text. */
function charactersOf(file) {
  const bytes = readFileSync(`${root}${file}`);
  return bytes.includes(0) ? 0 : [...bytes.toString('utf8').replace(/\s/g, '')].length;
}

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) =>
    `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/').slice(root.length).replace(/^\//, ''),
  )
  .filter((file) => !generated.test(file));

const counted = Object.fromEntries(Object.keys(budget).map((row) => [row, 0]));
for (const file of files) {
  const row = rowOf(file);
  if (row !== undefined && !data.test(file)) counted[row] += charactersOf(file);
}
counted['files in all'] = files.length;

const number = (value) => value.toLocaleString('en').padStart(12);
console.log(`${''.padEnd(22)}${'characters'.padStart(12)}${'budget'.padStart(12)}`);
for (const [row, most] of Object.entries(budget)) {
  console.log(`${row.padEnd(22)}${number(counted[row])}${number(most)}`);
}
const over = Object.entries(budget).filter(([row, most]) => counted[row] > most);
for (const [row, most] of over) {
  console.error(
    `${row} is ${(counted[row] - most).toLocaleString('en')} over its budget (harness/tools/build/budget.json). ` +
      'Shorten it, or raise the number and say in the commit what went for it.',
  );
}
if (over.length > 0) process.exitCode = 1;
