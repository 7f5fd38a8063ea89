/** The documentation: its programs compile, and what it shows of files are their lines. */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listStep } from '../../harness/run/step_list';
import { recipes } from '../../src/recipes';
import { toTrainerConfig } from '../../src/training/options';
import { errorsIn, root } from './compile';
import { type Block, blocksOf, codeOf, documents } from './docs_code';
import { names } from './docs_given';

const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');
const STEP = 'docs/step.md';
const blocks = documents.flatMap((document) => blocksOf(document));

/** Lines without what indents all of them. */
function flush(text: string): string {
  const lines = text.trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  return lines.map((line) => line.slice(Math.min(...indents))).join('\n');
}

/** Whether `block` stands in `text` as whole lines, wherever they are indented to. A line `…` stands for any lines. */
function hasLines(text: string, block: string): boolean {
  const lines = text.split('\n');
  let from = 0;
  return block.split('\n…\n').every((piece) => {
    const { length } = piece.split('\n');
    const isHere = (_: string, i: number) =>
      i >= from && flush(lines.slice(i, i + length).join('\n')) === flush(piece);
    const at = lines.findIndex(isHere);
    from = at + length;
    return at >= 0;
  });
}

describe('quotes of files in the docs', () => {
  const shown = blocks.filter(({ file }) => file);

  test.each(shown)('$document, line $line, shows $file as it is', ({ file, code }) => {
    expect(hasLines(read(file!), code.trimEnd()), code).toBe(true);
  });

  test('name their file where they quote a shader or stand in docs/step.md', () => {
    const quotes = blocks.filter(
      ({ document, language }) => language === 'wgsl' || (document === STEP && language === 'ts'),
    );
    expect(quotes.filter(({ file, newFile }) => !file && !newFile)).toEqual([]);
    expect(shown.length).toBeGreaterThan(4);
  });
});

describe(STEP, () => {
  const config = recipes.tutorial.network;
  const training = toTrainerConfig(recipes.tutorial.trainer);
  const step = listStep({ config, batch: 64, images: 1000, variants: {}, training });

  test('lists the kernels of a step', () => {
    const lines: { layer: string; kernels: string[] }[] = [];
    for (const { layer, kernel } of step) {
      const last = lines.at(-1);
      if (last?.layer === layer) last.kernels.push(kernel);
      else lines.push({ layer, kernels: [kernel] });
    }
    const listed = lines.map(({ layer, kernels }) => `${layer.padEnd(11)} ${kernels.join(', ')}\n`).join('');
    expect(codeOf('step.md', 'text')).toEqual([listed]);
  });
});

describe('programs in the docs', () => {
  const programs = blocks.filter(
    ({ language, file, newFile }) => /^(js|ts)$/.test(language) && !file && !newFile,
  );
  const elsewhere = programs.filter(({ runBy }) => runBy);
  const compiled = programs.filter(({ runBy }) => !runBy);

  test('in TypeScript say why they are not run', () => {
    expect(programs.filter(({ language, notRun }) => language === 'ts' && !notRun)).toEqual([]);
  });

  test.each(elsewhere)('$document, line $line, is run by $runBy', ({ document, runBy }) => {
    expect(read(runBy!)).toContain(posix.basename(document));
  });

  test('compile against the sources', () => {
    expect(compiled.length).toBeGreaterThan(10);
    expect(errorsOf(compiled)).toEqual([]);
  });
});

/** What the compiler says of programs, each a module in which the given names are declared. */
function errorsOf(programs: readonly Block[]): string[] {
  const entries = { '': 'index', digits: 'data/digits' } as Record<string, string>;
  for (const name of ['node', 'onnx', 'pretrained', 'three', 'worker']) entries[name] = `${name}/index`;
  const paths = Object.entries(entries).map(([name, file]) => [
    posix.join('webgpu-diffusion', name),
    [`${root}src/${file}.ts`],
  ]);
  const declared = names.map((name) => `const ${name}: import('./docs_given').Given['${name}'];`).join('\n');
  const files = programs.map(({ language, code }, i) => [
    `test/repository/program${i}.${language}`,
    `export {};${code}`,
  ]);
  const given = ['test/repository/given.d.ts', `export {};\ndeclare global {\n${declared}\n}`];
  // A program in JavaScript says nothing of types.
  const asJavaScript = { allowJs: true, checkJs: true, noImplicitAny: false, strictNullChecks: false };
  const options = { ...asJavaScript, declaration: false, paths: Object.fromEntries(paths) };
  return errorsIn(Object.fromEntries([...files, given]), options).map(({ path, line, message }) => {
    const { document, line: from } = programs[Number(/\d+/.exec(path))];
    return `${document}:${from + 1 + line}: ${message}`;
  });
}
