/**
 * Plain English, a part of `npm run check`: names each doc comment that begins with a pronoun, and each phrase that hides its subject, in code,
 * texts and titles of tests.
 *
 *   node harness/tools/build/plain_words.mjs
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const FILES = ['index.html', 'README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'CHANGELOG.md'];
const FOLDERS = ['docs', 'src', 'shaders', 'harness', 'examples', 'test'];
const TEXT = /\.(m?[jt]s|wgsl|md|txt|html|css|py|c|sh)$/;
/** Metadata of a shipped file, and this file, which names the phrases. */
const LEFT_OUT = ['harness/studies/train_classifier.py', 'harness/tools/build/plain_words.mjs'];
const PHRASES =
  'that of|those of|whoever|nobody|so many|so long|is told|are told|was told|so does|nor does|gone on with';
/** A phrase may go on in the next line of a comment. */
const BETWEEN = '(?:\\s|\\*|//)+';
const WRONG = [
  /\/\*\*[\s*]*(?:Of|Those|That|So|Whoever)\b/g,
  new RegExp(`\\b(?:${PHRASES.replaceAll(' ', BETWEEN)})\\b`, 'gi'),
];

const inFolders = FOLDERS.flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true }).map(
    (file) => `${folder}/${file.replaceAll('\\', '/')}`,
  ),
);
const found = [...FILES, ...inFolders.sort()]
  .filter((path) => TEXT.test(path) && !LEFT_OUT.includes(path))
  .flatMap((path) => {
    const text = readFileSync(`${root}${path}`, 'utf8');
    const places = WRONG.flatMap((wrong) => [...text.matchAll(wrong)]);
    return places.map(({ index, 0: words }) => {
      const line = text.slice(0, index).split('\n').length;
      return `${path}:${line}: "${words.replace(/[\s*/]+/g, ' ').trim()}"`;
    });
  });
if (found.length > 0) {
  console.error(`${found.join('\n')}\nSay it with a subject and the thing's own name.`);
  process.exitCode = 1;
}
