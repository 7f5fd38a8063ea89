/**
 * Texts, a part of `npm run check`: plain English in code, texts and titles of tests; links of the documents and what they lead to; the page's
 * marked words and the glossary; the publishing workflow and the build; and the comments with which WGSL files begin.
 *
 *   node harness/tools/build/texts.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import MarkdownIt from 'markdown-it';
import { load } from './load.mjs';

const { anchorOf } = await load('harness/page/sources/texts.ts');
const { glossary } = await load('harness/page/glossary/glossary_words.ts');
const { withFragments } = await load('harness/tools/build/fragments.ts');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const isThere = (path) => existsSync(join(root, path));
const read = (path) => readFileSync(join(root, path), 'utf8');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
});
const files = listed.split('\n').filter((path) => path && isThere(path));

const faults = [];
/** Notes what is wrong with a text. */
const rule = (isKept, fault) => {
  if (!isKept) faults.push(fault);
};

/** Phrases that hide their subject. */
const PHRASES =
  'that of|those of|whoever|nobody|so many|so long|is told|are told|was told|so does|nor does|gone on with';
/** A phrase may go on in the next line of a comment. */
const BETWEEN = '(?:\\s|\\*|//)+';
const WRONG = [
  // A comment that begins with a pronoun.
  /\/\*\*[\s*]*(?:Of|Those|That|So|Whoever)\b/g,
  new RegExp(`\\b(?:${PHRASES.replaceAll(' ', BETWEEN)})\\b`, 'gi'),
];
/** Metadata of a shipped file, and this file, which names the phrases. */
const LEFT_OUT = ['harness/studies/train_classifier.py', 'harness/tools/build/texts.mjs'];
for (const path of files)
  for (const wrong of /\.(m?[jt]s|wgsl|md|txt|html|css|py|c|sh)$/.test(path) && !LEFT_OUT.includes(path)
    ? WRONG
    : [])
    for (const { index, input, 0: words } of read(path).matchAll(wrong)) {
      const line = input.slice(0, index).split('\n').length;
      const said = words.replace(/[\s*/]+/g, ' ').trim();
      rule(false, `${path}:${line}: "${said}": say it with a subject and the thing's own name`);
    }

const parsed = (page) => new MarkdownIt({ html: true }).parse(read(page), {});
const headings = (page) =>
  parsed(page).flatMap(({ type }, i, tokens) =>
    type === 'heading_open' ? anchorOf(tokens[i + 1].content) : [],
  );
for (const page of files.filter((path) => /^(docs\/.+|shaders\/README|\w+)\.md$/.test(path)))
  for (const token of parsed(page).flatMap(({ children }) => children ?? [])) {
    const link = token.attrGet('href') ?? token.attrGet('src');
    if (link === null || /^https?:/.test(link)) continue;
    const [path, heading] = link.split('#');
    const file = path ? posix.join(posix.dirname(page), path) : page;
    const hasHeading =
      !heading || !file.endsWith('.md') || (isThere(file) && headings(file).includes(heading));
    rule(isThere(file) && hasHeading, `${page}: the link ${link} leads nowhere`);
  }

// The markup marks words as `data-word="epoch"`, the scenes as `{epoch}` and `{epochs|epoch}`.
const markup = withFragments(read('index.html'), root);
const scenes = files.filter((path) => /^harness\/page\/explain\/.*\.ts$/.test(path)).map(read);
const marks = [
  ...markup.matchAll(/data-word="([^"]+)"/g),
  ...scenes.join('\n').matchAll(/[^$`]\{(?:[\w ]+\|)?([a-z][a-z ]+)\}(?=[^`]*')/g),
];
const marked = new Set(marks.map(([, word]) => word));
for (const word of marked)
  rule(Object.hasOwn(glossary, word), `glossary: "${word}" is marked, and not explained`);
for (const [word, meaning] of Object.entries(glossary)) {
  rule(marked.has(word), `glossary: "${word}" is explained, and marked nowhere`);
  const isSentence = /^[A-Z].*[.)]$/s.test(meaning) && meaning.split(' ').length <= 45;
  rule(isSentence, `glossary: "${word}" is not explained in whole sentences of 45 words at most`);
}

const workflow = read('.github/workflows/page.yml');
const [before, deploy] = workflow.split('  deploy:');
const runs = [...workflow.matchAll(/- run: (npm (?:ci|run \w+))$/gm)].map(([, command]) => command).join();
rule(runs === 'npm ci,npm run check,npm run build', 'page.yml: installs, checks and builds in another order');
rule(workflow.includes('path: dist/page\n'), 'page.yml: publishes another folder than the one that is built');
rule(!/uses: (?!actions\/[\w-]+@v\d+$)/m.test(workflow), 'page.yml: an action is not of a major version');
const isDeployAlone = !before.includes(': write') && deploy.includes('pages: write');
rule(isDeployAlone, 'page.yml: not publishing alone may write');

for (const path of files.filter((path) => path.endsWith('.wgsl')))
  rule(
    /^(enable \w+;\s+)*\/\/ \S/.test(read(path)),
    `${path}: begins without a comment that says what it does`,
  );

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
