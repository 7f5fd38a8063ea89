/**
 * Characters without white space of all text in each folder, and files: `node harness/tools/build/characters.mjs`. Markdown counts once, as
 * Markdown. Left out: what others made or measured (`left`), what is generated, and what git ignores.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const generated = /^(node_modules|dist|\.git|runs)\/|\.gen\.|\/__pycache__\/|\.vite\/|\.log$/;
/** The lock file, results of measurements, numbers of other programs, data, and pictures as text. */
const left =
  /^package-lock\.json$|^docs\/results\/|^harness\/letters\/|\/golden\/.*\.json$|\/torch\.|\/shapes\/|\.(safetensors|svg|gz)$/;

const folders = {
  shaders: (file) => file.startsWith('shaders/'),
  src: (file) => file.startsWith('src/'),
  'harness/page': (file) => file.startsWith('harness/page/') || file === 'index.html',
  'the rest of harness': (file) => file.startsWith('harness/'),
  test: (file) => file.startsWith('test/'),
  examples: (file) => file.startsWith('examples/'),
  'the rest': () => true,
};
const nameOf = (file) =>
  file.endsWith('.md') ? 'Markdown' : Object.keys(folders).find((name) => folders[name](file));

/** The text of a file; undefined for what is none. */
function textOf(file) {
  const bytes = readFileSync(`${root}${file}`);
  return bytes.includes(0) ? undefined : bytes.toString('utf8');
}

export function count() {
  const sums = Object.fromEntries(
    [...Object.keys(folders), 'Markdown'].map((name) => [name, { characters: 0, files: 0 }]),
  );
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const file = `${entry.parentPath}/${entry.name}`
      .replaceAll('\\', '/')
      .slice(root.length)
      .replace(/^\//, '');
    if (!entry.isFile() || generated.test(file)) continue;
    const sum = sums[nameOf(file)];
    sum.files++;
    const text = left.test(file) ? undefined : textOf(file);
    if (text !== undefined) sum.characters += [...text.replace(/\s/g, '')].length;
  }
  return sums;
}

const sums = count();
console.table(sums);
console.log(`${Object.values(sums).reduce((sum, { files }) => sum + files, 0)} files`);
