/**
 * Texts that must fit each other, a part of `npm run check`: links of the documents and what they lead to, the page's marked words and the
 * glossary, the publishing workflow and the build; and the comments with which WGSL files begin.
 *
 *   node harness/tools/build/texts.mjs
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { load } from './load.mjs';

const { anchorOf } = await load('harness/page/sources/texts.ts');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path) => readFileSync(join(root, path), 'utf8');
const withoutBlocks = (text) => text.replace(/^```[\s\S]*?^```/gm, '');

/** The anchors of a document's headings. */
const headings = (text) =>
  [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading));

/** Links of a document to missing files and headings. */
function deadLinks(page, text) {
  const prose = withoutBlocks(text).replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, ' '));
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link]) => link)
    .filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path, heading] = link.split('#');
      const file = path ? posix.join(posix.dirname(page), path) : page;
      if (path && !existsSync(join(root, file))) return true;
      return (
        heading !== undefined && file.endsWith('.md') && !headings(path ? read(file) : text).includes(heading)
      );
    })
    .map((link) => `${page}: the link ${link} leads nowhere`);
}

/** `markup` marks words as `data-word="epoch"`, `scenes` as `{epoch}` and `{epochs|epoch}`. */
function glossaryFaults(glossary, markup, scenes) {
  const marks = [/data-word="([^"]+)"/g, /[^$`]\{(?:[\w ]+\|)?([a-z][a-z ]+)\}(?=[^`]*')/g];
  const marked = new Set(
    [markup, scenes].flatMap((text, i) => [...text.matchAll(marks[i])].map(([, word]) => word)),
  );
  const isSentence = (meaning) => /^[A-Z].*[.)]$/s.test(meaning) && meaning.split(' ').length <= 45;
  return [
    ...[...marked]
      .filter((word) => !Object.hasOwn(glossary, word))
      .map((word) => `"${word}" is marked, and not explained`),
    ...Object.keys(glossary)
      .filter((word) => !marked.has(word))
      .map((word) => `"${word}" is explained, and marked nowhere`),
    ...Object.entries(glossary)
      .filter(([, meaning]) => !isSentence(meaning))
      .map(([word]) => `"${word}" is not explained in whole sentences of 45 words at most`),
  ].map((fault) => `glossary: ${fault}`);
}

/** The workflow that publishes the page. `built`: Vite's configuration of the build. */
function workflowFaults(workflow, scripts, built) {
  const runs = [...workflow.matchAll(/^\s+- run: (.*)$/gm)].map(([, command]) => command);
  const own = runs.flatMap((command) => /^npm run (\S+)$/.exec(command)?.[1] ?? []);
  const actions = [...workflow.matchAll(/uses: (\S+)$/gm)].map(([, action]) => action);
  const [before, deploy = ''] = workflow.split('  deploy:');
  const rules = {
    'it installs with npm ci first': runs[0] === 'npm ci',
    'it checks, then builds, with scripts of package.json':
      own.join() === 'check,build' && own.every((script) => script in scripts),
    'it publishes the folder of the build': workflow.includes(`path: ${built.build.outDir}\n`),
    'the page works below any path': built.base === './',
    'each action is of a major version':
      actions.length > 0 && actions.every((action) => /^actions\/[\w-]+@v\d+$/.test(action)),
    'publishing alone may write': !before.includes(': write') && deploy.includes('pages: write'),
  };
  return Object.keys(rules)
    .filter((rule) => !rules[rule])
    .map((rule) => `page.yml: not true: ${rule}`);
}

/** A WGSL file without a comment that says what it does. */
function commentFaults(path, text) {
  const [first] = text.replace(/^(enable \w+;\s+)+/, '').split('\n');
  return /^\/\/ \S/.test(first) ? [] : [`${path}: begins without a comment that says what it does`];
}

const filesIn = (folder, end) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((file) => file.endsWith(end))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);

async function allFaults() {
  const { loadConfigFromFile } = await import('vite');
  const { glossary } = await load('harness/page/glossary/glossary_words.ts');
  const { withFragments } = await load('harness/tools/build/fragments.ts');
  const documents = ['README', 'CONTRIBUTING', 'ARCHITECTURE', 'CHANGELOG', 'shaders/README'].map(
    (name) => `${name}.md`,
  );
  const pages = [...documents, ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`)];
  const scenes = filesIn('harness/page/explain', '.ts').map(read).join('\n');
  const { config } = await loadConfigFromFile({ mode: 'production', command: 'build' }, undefined, root);
  const { scripts } = JSON.parse(read('package.json'));
  return [
    ...pages.filter((page) => page.endsWith('.md')).flatMap((page) => deadLinks(page, read(page))),
    ...glossaryFaults(glossary, withFragments(read('index.html'), root), scenes),
    ...workflowFaults(read('.github/workflows/page.yml'), scripts, config),
    ...filesIn('shaders', '.wgsl').flatMap((path) => commentFaults(path, read(path))),
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const faults = await allFaults();
  if (faults.length > 0) {
    console.error(faults.join('\n'));
    process.exit(1);
  }
}
