/**
 * The size of the project as its readers meet it, a part of `npm run check`: prints the tokens in each folder, the words of all Markdown
 * and the number of files beside what budget.json allows, and fails where there is more. Comments, imports, white space and line breaks
 * do not count, and a string counts once. There is room for a kernel, as docs/kernels.md adds one.
 *
 *   node harness/tools/build/budget.mjs
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import budget from './budget.json' with { type: 'json' };

const root = fileURLToPath(new URL('../../../', import.meta.url));
const git = (args, options) =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 30, ...options });

/** Files whose text does not count: the log of changes, the lock file, measurements, numbers of other programs, and data. */
const data =
  /^CHANGELOG\.md$|^package-lock\.json$|^docs\/results\/|\/golden\/.*\.json$|\/torch\.|\/shapes\/|\.(safetensors|svg|gz)$/;
/** The row of the budget that a file counts for, by how its path begins or ends: the first that fits. */
const rows = {
  '.md': 'words of Markdown',
  'shaders/': 'shaders',
  'src/': 'src',
  'harness/page/': 'harness/page',
  'harness/': 'the rest of harness',
  'test/': 'test',
  'examples/': 'examples',
  'index.html': 'harness/page',
};
const rowOf = (path) => {
  const key = Object.keys(rows).find((part) => path.startsWith(part) || path.endsWith(part));
  return data.test(path) ? undefined : rows[key];
};

/** What can stand before a division, and not before a regular expression. */
const OPERANDS = new Set([
  ts.SyntaxKind.Identifier,
  ts.SyntaxKind.NumericLiteral,
  ts.SyntaxKind.CloseParenToken,
  ts.SyntaxKind.CloseBracketToken,
  ts.SyntaxKind.ThisKeyword,
]);

/** The identifiers, numbers, strings and signs of a script, but for its imports. */
function scriptTokens(text) {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, true, ts.LanguageVariant.Standard, text);
  const { ImportKeyword, OpenParenToken, DotToken, StringLiteral, SlashToken, EndOfFileToken } =
    ts.SyntaxKind;
  const { TemplateHead, TemplateTail, OpenBraceToken, CloseBraceToken } = ts.SyntaxKind;
  /** The braces that are open; true where one is of a template, whose text goes on behind it. */
  const braces = [];
  let count = 0;
  let before = EndOfFileToken;
  for (let kind = scanner.scan(); kind !== EndOfFileToken; before = kind, kind = scanner.scan()) {
    if (kind === SlashToken && !OPERANDS.has(before)) kind = scanner.reScanSlashToken();
    if (kind === CloseBraceToken && braces.pop()) {
      kind = scanner.reScanTemplateToken(false);
      if (kind !== TemplateTail) braces.push(true);
    }
    if (kind === TemplateHead || kind === OpenBraceToken) braces.push(kind === TemplateHead);
    count++;
    if (kind !== ImportKeyword || before === DotToken) continue;
    const next = scanner.lookAhead(() => scanner.scan());
    if (next === OpenParenToken || next === DotToken) continue;
    while (kind !== StringLiteral && kind !== EndOfFileToken) kind = scanner.scan();
    count--;
  }
  return count;
}

/** How much a file counts: tokens; of other languages than scripts words and signs, of Markdown words. */
function sizeOf(path, text) {
  if (text.includes('\0')) return 0;
  if (/\.[cm]?[jt]s$/.test(path)) return scriptTokens(text);
  if (path.endsWith('.md')) return text.match(/\S+/g)?.length ?? 0;
  const code = text.replace(/\/\*[\s\S]*?\*\/|<!--[\s\S]*?-->|(?<![:\w])\/\/.*/g, '');
  return code.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu)?.length ?? 0;
}

/** The files of a row that grew most since the last tag, or in the last 50 commits, as lines. */
function grown(row, sizes) {
  const tried = [
    'describe --tags --abbrev=0',
    'rev-parse --verify main~50',
    'rev-parse --verify HEAD~50',
  ].map((args) => {
    try {
      return git(args.split(' '), { stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return ''; // no tag, or a clone without history
    }
  });
  const base = tried.find((name) => name);
  if (!base) return ['(no commit to compare with)'];
  const there = new Set(git(['ls-tree', '-r', '--name-only', base]).split('\n'));
  const growth = [...sizes]
    .filter(([path]) => rowOf(path) === row)
    .map(([path, size]) => {
      const was = there.has(path) ? sizeOf(path, git(['show', `${base}:${path}`])) : 0;
      return { path, more: size - was };
    });
  return growth
    .filter(({ more }) => more > 0)
    .sort((one, other) => other.more - one.more)
    .slice(0, 10)
    .map(({ path, more }) => `  ${path}: ${more} more since ${base.slice(0, 12)}`);
}

const files = git(['ls-files', '-co', '--exclude-standard'])
  .split('\n')
  .filter((path) => path && existsSync(root + path));
const sizes = new Map();
const counted = Object.fromEntries(Object.keys(budget).map((row) => [row, 0]));
counted['files in all'] = files.length;
for (const path of files) {
  const row = rowOf(path);
  if (row === undefined) continue;
  sizes.set(path, sizeOf(path, readFileSync(root + path, 'utf8')));
  counted[row] += sizes.get(path);
}

const number = (value) => value.toLocaleString('en').padStart(12);
console.log(`${''.padEnd(22)}${'tokens'.padStart(12)}${'budget'.padStart(12)}`);
for (const [row, most] of Object.entries(budget))
  console.log(`${row.padEnd(22)}${number(counted[row])}${number(most)}`);
for (const [row, most] of Object.entries(budget)) {
  if (counted[row] <= most) continue;
  const wrong = `harness/tools/build/budget.json: ${row}: ${counted[row]}, and ${most} are allowed. Remove something, or raise the number and say in the commit what went for it.`;
  console.error([wrong, ...grown(row, sizes)].join('\n'));
  process.exitCode = 1;
}
