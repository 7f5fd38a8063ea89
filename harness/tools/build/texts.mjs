/**
 * Texts that must fit each other, a part of `npm run check`: links of the documents and what they lead to, the page's marked words and the
 * glossary, the publishing workflow and the build; and the comments with which WGSL files begin.
 *
 *   node harness/tools/build/texts.mjs
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import MarkdownIt from 'markdown-it';
import { load } from './load.mjs';

const { anchorOf } = await load('harness/page/sources/texts.ts');
const { glossary } = await load('harness/page/glossary/glossary_words.ts');
const { withFragments } = await load('harness/tools/build/fragments.ts');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const filesIn = (folder, end) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);

const faults = [];
/** Notes what is wrong with a text. */
const rule = (isKept, fault) => {
  if (!isKept) faults.push(fault);
};

const parsed = (page) => new MarkdownIt({ html: true }).parse(read(page), {});
const headings = (page) =>
  parsed(page).flatMap(({ type }, i, tokens) =>
    type === 'heading_open' ? anchorOf(tokens[i + 1].content) : [],
  );
const documents = ['README', 'CONTRIBUTING', 'ARCHITECTURE', 'CHANGELOG', 'shaders/README'];
for (const page of [...documents.map((name) => `${name}.md`), ...filesIn('docs', '.md')]) {
  for (const token of parsed(page).flatMap(({ children }) => children ?? [])) {
    const link = token.attrGet('href') ?? token.attrGet('src');
    if (link === null || /^https?:/.test(link)) continue;
    const [path, heading] = link.split('#');
    const file = path ? posix.join(posix.dirname(page), path) : page;
    const isThere =
      existsSync(join(root, file)) && (!heading || !file.endsWith('.md') || headings(file).includes(heading));
    rule(isThere, `${page}: the link ${link} leads nowhere`);
  }
}

// The markup marks words as `data-word="epoch"`, the scenes as `{epoch}` and `{epochs|epoch}`.
const markup = withFragments(read('index.html'), root);
const scenes = filesIn('harness/page/explain', '.ts').map(read).join('\n');
const marked = new Set(
  [
    ...markup.matchAll(/data-word="([^"]+)"/g),
    ...scenes.matchAll(/[^$`]\{(?:[\w ]+\|)?([a-z][a-z ]+)\}(?=[^`]*')/g),
  ].map(([, word]) => word),
);
for (const word of marked)
  rule(Object.hasOwn(glossary, word), `glossary: "${word}" is marked, and not explained`);
for (const [word, meaning] of Object.entries(glossary)) {
  rule(marked.has(word), `glossary: "${word}" is explained, and marked nowhere`);
  const isSentence = /^[A-Z].*[.)]$/s.test(meaning) && meaning.split(' ').length <= 45;
  rule(isSentence, `glossary: "${word}" is not explained in whole sentences of 45 words at most`);
}

const workflow = read('.github/workflows/page.yml');
const [before, deploy] = workflow.split('  deploy:');
const runs = [...workflow.matchAll(/- run: (npm (?:ci|run \w+))$/gm)].map(([, command]) => command);
rule(
  runs.join() === 'npm ci,npm run check,npm run build',
  'page.yml: installs, checks and builds in another order',
);
rule(workflow.includes('path: dist/page\n'), 'page.yml: publishes another folder than the one that is built');
rule(!/uses: (?!actions\/[\w-]+@v\d+$)/m.test(workflow), 'page.yml: an action is not of a major version');
rule(
  !before.includes(': write') && deploy.includes('pages: write'),
  'page.yml: not publishing alone may write',
);

for (const path of filesIn('shaders', '.wgsl')) {
  const isCommented = /^(enable \w+;\s+)*\/\/ \S/.test(read(path));
  rule(isCommented, `${path}: begins without a comment that says what it does`);
}

if (faults.length > 0) {
  console.error(faults.join('\n'));
  process.exitCode = 1;
}
