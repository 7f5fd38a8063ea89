/**
 * Plain English, a part of `npm run check`: names each doc comment that begins with a pronoun, and each phrase that hides its subject, in code,
 * texts and titles of tests.
 *
 *   node harness/tools/build/plain_words.mjs
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const PLACES = [
  'index.html',
  'README.md',
  'CONTRIBUTING.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'docs',
  'src',
  'shaders',
  'harness',
  'examples',
  'test',
];
const SCRIPT = /\.m?[jt]s$/;
const TEXT = /\.(m?[jt]s|wgsl|md|txt|html|css|py|c|sh)$/;
/** Not read: metadata of a shipped file; this file, which names the phrases. */
const LEFT_OUT = ['harness/studies/train_classifier.py', 'harness/tools/build/plain_words.mjs'];
const OPENING = /\/\*\*[\s*]*(Of|Those|That|So|Whoever)\b/g;
const PHRASES = [
  'that of',
  'those of',
  'whoever',
  'nobody',
  'so many',
  'so long',
  'is told',
  'are told',
  'was told',
  'so does',
  'nor does',
  'gone on with',
];
/** A phrase may go on in the next line of a comment. */
const PHRASE = new RegExp(`\\b(?:${PHRASES.join('|').replaceAll(' ', '(?:\\s|\\*|//)+')})\\b`, 'gi');

/** `path:line: what is wrong`, for each place in the text of a file. */
function findings(path, text) {
  const isScript = SCRIPT.test(path);
  const openings = isScript ? [...text.matchAll(OPENING)] : [];
  return [
    ...openings.map(({ index, 0: all, 1: word }) => [
      index + all.length - word.length,
      `a doc comment begins with "${word}"`,
    ]),
    ...[...text.matchAll(PHRASE)].map(({ index, 0: all }) => [
      index,
      `"${all.replace(/(\s|\*|\/\/)+/g, ' ').toLowerCase()}"`,
    ]),
  ]
    .sort(([a], [b]) => a - b)
    .map(([at, what]) => `${path}:${text.slice(0, at).split('\n').length}: ${what}`);
}

function* files(place) {
  if (TEXT.test(place)) yield place;
  else
    for (const file of readdirSync(join(root, place), { recursive: true }).sort())
      if (TEXT.test(file)) yield `${place}/${file.replaceAll('\\', '/')}`;
}

const isRead = (path) => !LEFT_OUT.some((start) => path.startsWith(start));

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const all = PLACES.flatMap((place) => [...files(place)]).filter(isRead);
  const found = all.flatMap((path) => findings(path, readFileSync(join(root, path), 'utf8')));
  if (found.length > 0) {
    console.error(`${found.join('\n')}\nSay it with a subject and the thing's own name.`);
    process.exit(1);
  }
}
