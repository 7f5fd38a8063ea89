/**
 * Assembles shaders from edited files, as the build does from shaders/, and maps each line to its file and line there: through imports,
 * flags and unrolled loops.
 */
import { files as shipped, sources } from 'virtual:shader-sources';
import { shaderText } from '../../../src/plan/text';

/** Texts of files of shaders/, by path. */
export type Texts = Readonly<Record<string, string>>;

/** A place in a file of shaders/. */
export interface SourcePlace {
  readonly file: string;
  /** From 1; undefined: the file as a whole. */
  readonly line?: number;
  /** From 1, where it is known. */
  readonly column?: number;
}

export interface Assembled {
  /** The shader's name. */
  readonly name: string;
  /** The WGSL for the GPU. */
  readonly code: string;
  /** All files of the shader. The first is its own. */
  readonly files: readonly string[];
  /** The source of line `line` of the code, from 1. */
  readonly placeOf: (line: number, column?: number) => SourcePlace;
}

/** An error in an edited text. */
export class TextError extends Error {
  readonly place: SourcePlace;

  constructor(place: SourcePlace, message: string) {
    super(message);
    this.place = place;
  }
}

/** Maximum number of lines that one `#each` may write out: far more would fill the memory before any compiler sees them. */
const MOST_TURNS = 256;

/** The shader `name`, with `texts` in place of the files of the same paths. Throws a TextError. */
export function assemble(name: string, texts: Texts = {}): Assembled {
  const { file: own, flags } = sources[name];
  const origins: { readonly file: string; readonly line: number; readonly indent: number }[] = [];
  const read: string[] = [];
  const readFile = (path: string): string => {
    const text = texts[path] ?? shipped[path];
    if (text === undefined) throw new Error(`#import ${path}: shaders/ has no such file`);
    read.push(path);
    checkLines(path, text);
    const marked = text.split('\n').map((whole, i) => {
      // As the build strips them: see shaders/reflect.ts.
      const line = whole.replace(/\/\/.*/, '').trim();
      if (line === '' || line.startsWith('#')) return line;
      origins.push({ file: path, line: i + 1, indent: whole.length - whole.trimStart().length });
      return `${line}//${origins.length - 1}`;
    });
    return marked.filter(Boolean).join('\n');
  };
  let lines: string[];
  try {
    lines = shaderText(own, readFile, flags).split('\n');
  } catch (error) {
    if (error instanceof TextError) throw error;
    const { message } = error as Error;
    throw new TextError(directiveAt(message, read, texts) ?? { file: own }, message);
  }
  const marks = lines.map((line) => /\/\/(\d+)$/.exec(line)?.[1]);
  return {
    name,
    code: lines.map((line) => line.replace(/\/\/\d+$/, '')).join('\n'),
    files: read,
    placeOf(line, column) {
      const mark = marks[line - 1];
      if (mark === undefined) return { file: own };
      const { file, line: at, indent } = origins[Number(mark)];
      return { file, line: at, ...(column ? { column: column + indent } : {}) };
    },
  };
}

function checkLines(file: string, text: string): void {
  text.split('\n').forEach((line, i) => {
    const code = line.replace(/\/\/.*/, '');
    if (code.includes('/*')) {
      const message = 'A comment between /* and */: write // before each of its lines.';
      throw new TextError({ file, line: i + 1 }, message);
    }
    const count = /^\s*#each \w+ (\w+)/.exec(code)?.[1] ?? '0';
    const value = new RegExp(`^\\s*const ${count} = (\\d+)u;`, 'm').exec(text)?.[1] ?? count;
    if (Number(value) > MOST_TURNS) {
      const message = `#each writes its lines out ${value} times; at most ${MOST_TURNS} are legal. Write a loop.`;
      throw new TextError({ file, line: i + 1 }, message);
    }
  });
}

/** The line of the directive that a message of resolveText complains about. */
function directiveAt(message: string, read: readonly string[], texts: Texts): SourcePlace | undefined {
  const word = /^(#import [^:]+|#\w+|\$\w+)/.exec(message)?.[1];
  if (!word) return undefined;
  const sign = word[0];
  const rest = word.slice(1);
  for (const file of read.toReversed()) {
    const lines = (texts[file] ?? shipped[file]).split('\n').map((line) => line.replace(/\/\/.*/, ''));
    const at = lines.findIndex((line) =>
      sign === '#' ? line.trim().startsWith(word) : line.includes(word) || line.includes(`\${${rest}}`),
    );
    if (at >= 0) return { file, line: at + 1 };
  }
  return undefined;
}

/** The shaders of which the GPU gets another text with `texts`; comments and spaces change none. Throws a TextError. */
export function changedShaders(texts: Texts): Assembled[] {
  const edited = Object.keys(texts);
  const before = Object.keys(sources)
    .map((name) => assemble(name))
    .filter(({ files }) => files.some((file) => edited.includes(file)));
  return before.flatMap(({ name, code }) => {
    const now = assemble(name, texts);
    return now.code === code ? [] : [now];
  });
}
