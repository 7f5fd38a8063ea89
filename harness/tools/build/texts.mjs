/**
 * Texts, a part of `npm run check`: phrases that hide their subject, in code, texts and titles of tests; links of the documents and what
 * they lead to; the page's marked words and the glossary. Each rule names a text that it caught.
 *
 *   node harness/tools/build/texts.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import MarkdownIt from 'markdown-it';
import { load } from './load.mjs';

const { toAnchor } = await load('harness/page/sources/texts.ts');
const { glossary } = await load('harness/page/glossary/glossary_words.ts');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const isThere = (path) => existsSync(join(root, path));
const read = (path) => readFileSync(join(root, path), 'utf8');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.split('\n').filter((path) => path && isThere(path));

/** What is wrong: path, line and words, in the order of the rules. */
const faults = [];
const fault = (path, line, words) => faults.push(`${path}:${line}: ${words}`);
const lineAt = (text, index) => text.slice(0, index).split('\n').length;

/**
 * Phrases that hide their subject. "From the gradient of what followed this layer to that of its pre-activation" did not say that it is
 * the gradient of the layer's output; "it holds no timer and asks nobody; whoever holds it …" did not say that a session does.
 */
const PHRASES =
  'that of|those of|whoever|nobody|so many|so long|is told|are told|was told|so does|nor does|gone on with';
/** A phrase may go on in the next line of a comment. */
const BETWEEN = '(?:\\s|\\*|//)+';
const WRONG = new RegExp(`\\b(?:${PHRASES.replaceAll(' ', BETWEEN)})\\b`, 'gi');
/** Metadata of a shipped file, and this file, which names the phrases. */
const LEFT_OUT = ['harness/studies/train_classifier.py', 'harness/tools/build/texts.mjs'];
for (const path of files) {
  if (!/\.(m?[jt]s|wgsl|md|txt|html|css|py|c|sh)$/.test(path) || LEFT_OUT.includes(path)) continue;
  const text = read(path);
  for (const { index, 0: words } of text.matchAll(WRONG)) {
    const said = words.replace(/[\s*/]+/g, ' ').trim();
    fault(path, lineAt(text, index), `"${said}": say it with a subject and the thing's own name`);
  }
}

// Links of the documents. The section "drivers-that-misbehave" of reliability.md got another name, and troubleshooting.md led there still.
const parsed = (page) => new MarkdownIt({ html: true }).parse(read(page), {});
const headings = (page) =>
  parsed(page).flatMap(({ type }, i, tokens) =>
    type === 'heading_open' ? toAnchor(tokens[i + 1].content) : [],
  );
for (const page of files.filter((path) => /^(docs\/.+|shaders\/README|\w+)\.md$/.test(path)))
  for (const { map, children } of parsed(page))
    for (const token of children ?? []) {
      const link = token.attrGet('href') ?? token.attrGet('src');
      if (link === null || /^https?:/.test(link)) continue;
      const [path, heading] = link.split('#');
      const file = path ? posix.join(posix.dirname(page), path) : page;
      const hasHeading =
        !heading || !file.endsWith('.md') || (isThere(file) && headings(file).includes(heading));
      if (!isThere(file) || !hasHeading) fault(page, map[0] + 1, `the link ${link} leads nowhere`);
    }

// The page's words and the glossary: "swish" was explained after the last text that marked it had gone. The markup marks words as
// `data-word="epoch"`, the scenes as `{epoch}` and `{epochs|epoch}`.
const GLOSSARY = 'harness/page/glossary/glossary_words.ts';
const MARKUP = /data-word="([^"]+)"/g;
const SCENES = /[^$`]\{(?:[\w ]+\|)?([a-z][a-z ]+)\}(?=[^`]*')/g;
const marked = new Set();
for (const path of files) {
  const isScene = /^harness\/page\/explain\/.*\.ts$/.test(path);
  if (!isScene && !/^(index|harness\/page\/.*)\.html$/.test(path)) continue;
  const text = read(path);
  for (const { index, 1: word } of text.matchAll(isScene ? SCENES : MARKUP)) {
    marked.add(word);
    if (!Object.hasOwn(glossary, word))
      fault(path, lineAt(text, index), `"${word}" is marked, and not explained in ${GLOSSARY}`);
  }
}
const explained = read(GLOSSARY);
for (const word of Object.keys(glossary))
  if (!marked.has(word)) {
    const index = explained.search(new RegExp(`^ +'?${word}'?:`, 'm'));
    fault(GLOSSARY, lineAt(explained, index), `"${word}" is explained, and marked nowhere`);
  }

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
