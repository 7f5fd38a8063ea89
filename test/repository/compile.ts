/** What TypeScript says of files that are not there, as the project compiles its own. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The errors in the files, by their paths from the root, with their lines from 0 on. */
export function errorsIn(files: Readonly<Record<string, string>>, options: ts.CompilerOptions = {}) {
  const texts = new Map(Object.entries(files).map(([path, text]) => [`${root}${path}`, text]));
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const own = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, root).options;
  const all = { ...own, noUnusedLocals: false, ...options };
  const host = ts.createCompilerHost(all);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  host.getSourceFile = (file, version) =>
    texts.has(file) ? ts.createSourceFile(file, texts.get(file)!, version) : getSourceFile(file, version);
  const program = ts.createProgram([...texts.keys()], all, host);
  return Object.keys(files).flatMap((path) => {
    const source = program.getSourceFile(`${root}${path}`)!;
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start }) => ({
        path,
        line: source.getLineAndCharacterOfPosition(start!).line,
        message: ts.flattenDiagnosticMessageText(messageText, '\n'),
      }),
    );
  });
}
