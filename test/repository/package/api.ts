/**
 * The package's public surface as text, test/repository/package/api.txt: what each entry exports, with signatures, and the types that these mention.
 *
 *   npm run test:all -- package api.txt --write     writes it anew
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { exports as entries } from '../../../package.json';
import { shell } from './shell';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const kept = 'test/repository/package/api.txt';

/** Compares the built declarations with api.txt, or writes it. */
export const publicSurface = (write: boolean) => ({
  name: 'api.txt',
  async run(folder: string): Promise<string> {
    const made = join(folder, 'api.txt');
    const text = await surface();
    await writeFile(write ? join(root, kept) : made, text);
    if (write) return `${kept} is written`;
    await shell(root, 'git', 'diff', '--no-index', '--unified=1', kept, made).catch((error) => {
      const lines = (error as Error).message.split('\n').filter((line) => /^[-+ ]/.test(line));
      throw new Error(
        `The package's surface is not as in ${kept}. If that is meant, write it anew: npm run test:all -- package api.txt --write\n${lines.join('\n')}`,
      );
    });
    return `${text.match(/^export /gm)!.length} exports as in ${kept}`;
  },
});

/** Each entry with its declarations, sorted by name, without comments. What an entry before has word for word is only named, if at all. */
async function surface(): Promise<string> {
  const printer = ts.createPrinter({ removeComments: true });
  const seen = new Map<string, string>();
  const parts: string[] = [];
  for (const [path, target] of Object.entries(entries).sort()) {
    if (typeof target === 'string') continue; // package.json
    const entry = path.replace('.', 'webgpu-diffusion');
    const source = await readFile(join(root, target.types), 'utf8');
    const file = ts.createSourceFile(target.types, source, ts.ScriptTarget.ESNext, true);
    const declared = file.statements
      .filter((statement) => !ts.isModuleDeclaration(statement)) // the names of WebGPU
      .flatMap((statement) =>
        ts.isExportDeclaration(statement)
          ? listed(statement)
          : { name: nameOf(statement), text: printer.printNode(ts.EmitHint.Unspecified, statement, file) },
      )
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    const texts = declared.flatMap(({ name, text }) => {
      const bare = text.replace(/^export (?:declare )?|^declare /, '');
      const before = seen.get(bare);
      if (!before) seen.set(bare, entry);
      else if (text.startsWith('export')) return `export ${name}, as in ${before}`;
      return before ? [] : text;
    });
    parts.push(`# ${entry}`, ...texts);
  }
  return `${parts.join('\n\n')}\n`;
}

/** The names that a statement without a module exports: `export type { A, B }`. */
const listed = ({ exportClause, isTypeOnly }: ts.ExportDeclaration) =>
  (exportClause as ts.NamedExports).elements.map((element) => {
    const name = element.getText();
    return { name, text: `export ${isTypeOnly ? 'type ' : ''}{ ${name} };` };
  });

/** What a statement declares. */
function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0].name.getText();
  return (statement as ts.DeclarationStatement).name?.getText() ?? '';
}
