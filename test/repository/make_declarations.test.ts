/**
 * The package's declarations. How programs meet them: package/types.ts.
 *
 * @module-tag nightly
 */
import ts from 'typescript';
import { expect, test } from 'vitest';
import { takesLong } from '../lib/lanes/limits';

test(
  'every name and member has a comment that an editor shows, and none is private',
  takesLong('runsProcesses'),
  async () => {
    const script = new URL('../../harness/tools/build/make_declarations.mjs', import.meta.url).href;
    const { makeDeclarations } = (await import(/* @vite-ignore */ script)) as {
      makeDeclarations(): Map<string, string>;
    };
    const declarations = makeDeclarations();
    expect(declarations.size).toBeGreaterThan(6);
    for (const [entry, text] of declarations) {
      expect(uncommented(ts.createSourceFile(`${entry}.d.ts`, text, ts.ScriptTarget.ES2022, true))).toEqual(
        [],
      );
      expect(text).not.toMatch(/^\t*(private|protected) /m);
    }
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
    ].flatMap(([_, name, list]) => name ?? list.split(',').map((each) => each.trim())),
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
