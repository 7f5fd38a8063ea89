/**
 * The package's declarations as a strict program meets them, one that has libraries' declarations checked too.
 *
 * @module-tag nightly
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as library from '../../src/index';
import { takesLong } from '../lib/lanes/limits';
import { temporaryFolder } from '../lib/system';

const root = new URL('../../', import.meta.url);

const ENTRIES = ['index', 'digits', 'files', 'node', 'onnx', 'pretrained', 'three', 'worker'];

const folder = temporaryFolder(afterAll);
const programs = ['any.ts', 'guest.ts', 'usage.d.ts'].map((name) => join(folder, name));

beforeAll(async () => {
  for (const program of programs)
    await copyFile(new URL(`test/repository/package/programs/${basename(program)}`, root), program);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const installed = join(folder, 'node_modules/webgpu-diffusion');
  await mkdir(join(installed, 'dist/lib'), { recursive: true });
  await copyFile(new URL('package.json', root), join(installed, 'package.json'));
  const script = new URL('harness/tools/build/make_declarations.mjs', root).href;
  const { makeDeclarations } = (await import(/* @vite-ignore */ script)) as {
    makeDeclarations(): Map<string, string>;
  };
  const declarations = makeDeclarations();
  expect([...declarations.keys()]).toEqual(ENTRIES);
  for (const [entry, text] of declarations) await writeFile(join(installed, `dist/lib/${entry}.d.ts`), text);
}, takesLong('runsProcesses').timeout);

test.each([
  ['Node', { module: ts.ModuleKind.NodeNext }],
  ['a bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
])('programs that resolve modules as %s does compile, and see all names of the package', (_, resolution) => {
  const compiled = ts.createProgram(programs, {
    ...{ target: ts.ScriptTarget.ES2022, strict: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, types: [], skipDefaultLibCheck: true, ...resolution },
  });
  const errors = ts
    .getPreEmitDiagnostics(compiled)
    .map(
      ({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  expect(errors).toEqual([]);

  const declarations = compiled.getSourceFiles().find(({ fileName }) => fileName.endsWith('lib/index.d.ts'))!;
  const checker = compiled.getTypeChecker();
  const values = checker
    .getExportsOfModule(checker.getSymbolAtLocation(declarations)!)
    .filter(({ flags }) => flags & ts.SymbolFlags.Value);
  expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(library).sort());
});

test.each(ENTRIES)(
  'every name and member of %s has a comment that an editor shows, and none is private',
  async (entry) => {
    const path = join(folder, `node_modules/webgpu-diffusion/dist/lib/${entry}.d.ts`);
    const text = await readFile(path, 'utf8');
    expect(uncommented(ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true))).toEqual([]);
    expect(text).not.toMatch(/^\t*(private|protected) /m);
  },
);

/** Declarations and members without a doc comment. */
function uncommented(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const exported = new Set(
    [
      ...file.text.matchAll(
        /^export (?:declare )?(?:abstract )?(?:const|class|function|interface|type) (\w+)|^export type \{([^}]*)\}/gm,
      ),
    ].flatMap(([, name, list]) => name ?? list.split(',').map((each) => each.trim())),
  );
  const look = (node: ts.Node & { name?: ts.Node }, path: string[]) => {
    const all = [...path, node.name?.getText() ?? ''];
    // Constructors are the library's own, and disposing is the language's.
    const isKnown = ts.isConstructorDeclaration(node) || all.at(-1) === '[Symbol.dispose]';
    // The setter of an accessor has its getter's comment.
    if (isKnown || ts.isSetAccessorDeclaration(node)) return;
    // Of what is mentioned, but no export, the members are seen.
    const isInner = path.length === 0 && !exported.has(all[0]);
    if (!isInner && ts.getJSDocCommentsAndTags(node).length === 0) found.push(all.join('.'));
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
      for (const member of node.members) look(member, all);
    if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type))
      for (const member of node.type.members) look(member, all);
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement))
      for (const each of statement.declarationList.declarations) look(each, []);
    else if (!ts.isExportDeclaration(statement)) look(statement as ts.DeclarationStatement, []);
  }
  return found;
}
