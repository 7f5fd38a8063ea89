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

const counted = { ...budget };
for (const row of Object.keys(counted)) counted[row] = 0;
for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
  const file = `${entry.parentPath}/${entry.name}`
    .replaceAll('\\', '/')
    .slice(root.length)
    .replace(/^\//, '');
  if (!entry.isFile() || generated.test(file)) continue;
  counted['files in all']++;
  const key = Object.keys(rows).find((part) => file.startsWith(part) || file.endsWith(part));
  const bytes = readFileSync(`${root}${file}`);
  if (!key || data.test(file) || bytes.includes(0)) continue;
  counted[rows[key]] += [...bytes.toString('utf8').replace(/\s/g, '')].length;
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
