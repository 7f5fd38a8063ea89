/**
 * Makes docs/llms.txt, the documentation in short for programs that read: its pages, and what the package exports, each with the first sentence of its
 * comment.
 *
 *   npm run llms
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { ENTRIES, PAGES, root } from './docs_pages.mjs';

const read = (path) => readFileSync(join(root, path), 'utf8');
const inOneLine = (text) => text.replace(/\s+/g, ' ').trim();
const sentence = (text) => /^.*?\.(?=\s|$)|^.*/.exec(inOneLine(text))[0].replace(/:$/, '.');

/** A page's title and what it begins with. */
function pageLine(path) {
  const [, title, rest] = /^# (.+)\n+([\s\S]*)/.exec(read(path));
  const paragraph = rest.split('\n\n').find((text) => /^[A-Z*`[]/.test(text)) ?? '';
  const plain = paragraph.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
  return `- [${title}](${path.replace('docs/', '')}): ${sentence(plain)}`;
}

const parsed = new Map();
function parse(path) {
  if (!parsed.has(path))
    parsed.set(path, ts.createSourceFile(path, read(path), ts.ScriptTarget.ES2022, true));
  return parsed.get(path);
}

const commentOf = (node) => {
  const comment = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc)?.comment;
  return sentence(ts.getTextOfJSDocComment(comment) ?? '');
};

/** The declaration of a name that a file declares or passes on. */
function declarationOf(path, name) {
  for (const statement of parse(path).statements) {
    if (ts.isExportDeclaration(statement) && statement.exportClause && statement.moduleSpecifier) {
      const found = statement.exportClause.elements.find((element) => element.name.text === name);
      if (found)
        return declarationOf(
          fileOf(path, statement.moduleSpecifier.text),
          (found.propertyName ?? found.name).text,
        );
    } else if (ts.isVariableStatement(statement)) {
      if (statement.declarationList.declarations.some((each) => each.name.getText() === name))
        return statement;
    } else if (statement.name?.text === name) return statement;
  }
  throw new Error(`${path} exports ${name} from nowhere.`);
}

const fileOf = (from, module) => `${join(dirname(from), module)}.ts`.replaceAll('\\', '/');

/** The names that a file exports. */
function exportsOf(path) {
  return parse(path).statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement))
      return statement.exportClause.elements.map(({ name }) => name.text);
    const isExported = ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    return [statement.name.text];
  });
}

/** The class that a class extends, if there is one. */
function parentOf(node) {
  const [parent] =
    node.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types ?? [];
  const name = parent?.expression.text;
  const { fileName, statements } = node.getSourceFile();
  const from = statements.find(
    (statement) =>
      ts.isImportDeclaration(statement) &&
      statement.importClause?.namedBindings?.elements?.some((each) => each.name.text === name),
  );
  return from && declarationOf(fileOf(fileName, from.moduleSpecifier.text), name);
}

/** The methods, accessors and properties of a class that anybody may use, its own first; each name once. */
function membersOf(node) {
  if (!node || !ts.isClassDeclaration(node)) return [];
  const isHidden = ({ kind }) =>
    [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.StaticKeyword].includes(
      kind,
    );
  const isInternal = (member) => ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
  const kinds = [ts.isMethodDeclaration, ts.isGetAccessor, ts.isPropertyDeclaration];
  const own = node.members.filter(
    (member) =>
      kinds.some((isOne) => isOne(member)) &&
      ts.isIdentifier(member.name) &&
      !ts.getModifiers(member)?.some(isHidden) &&
      !isInternal(member),
  );
  const names = new Set(own.map(({ name }) => name.text));
  return [...own, ...membersOf(parentOf(node)).filter(({ name }) => !names.has(name.text))];
}

function exportLines(path, name) {
  const node = declarationOf(path, name);
  const members = membersOf(node).map((member) => `  - \`${member.name.getText()}\`: ${commentOf(member)}`);
  return [`- \`${name}\`: ${commentOf(node)}`, ...members];
}

/** The text of the file. */
export function makeLlms() {
  const { description } = JSON.parse(read('package.json'));
  const entries = Object.entries(ENTRIES).map(([name, path]) => {
    const lines = exportsOf(path).flatMap((each) => exportLines(path, each));
    return `## ${name}\n\n${lines.join('\n')}`;
  });
  const parts = [
    '# webgpu-diffusion',
    `> ${description}`,
    `## Pages\n\n${PAGES.map(pageLine).join('\n')}`,
    ...entries,
  ];
  return `${parts.join('\n\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await writeFile(join(root, 'docs/llms.txt'), makeLlms());
