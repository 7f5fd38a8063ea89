/**
 * The Vite plugin that turns `import conv2d from '…/conv2d.wgsl'` into what reflect.ts reads from the file, or from a permutation of one, and
 * `import file from './file?bytes'` into a function that brings the file. Texts and files are large, so both come when they are asked for.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { StructLayout } from '../src/plan/shader';
import { permutations } from './permutations.ts';
import {
  declareShaders,
  type Flags,
  type Reflection,
  reflect,
  reflectStruct,
  resolveText,
  strip,
} from './reflect.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
export const declarations = join(folder, 'shaders.gen.d.ts');

/** A text with bindings is a shader, one without is there to be imported. */
const declaresBindings = (text: string) => /^@group/m.test(text);

export const readText = (path: string) => readFileSync(join(folder, path), 'utf8');

/** The WGSL files, as paths from the folder. */
export const wgslFiles = () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.wgsl'))
    .map((file) => file.replaceAll('\\', '/'))
    .sort();

interface Source {
  readonly file: string;
  readonly flags: Flags;
}

/** Where each shader comes from, by name. */
export function shaderSources(): ReadonlyMap<string, Source> {
  const files = new Map(
    wgslFiles()
      .filter((file) => declaresBindings(readText(file)))
      .map((file) => [basename(file, '.wgsl'), file]),
  );
  const sources = new Map<string, Source>();
  // A file in which a flag needs a value is no shader without it.
  const needsValue = new Set(
    Object.values(permutations).flatMap(([file, ...flags]) =>
      flags.some((f) => f.includes('=')) ? [file] : [],
    ),
  );
  for (const [name, file] of files) if (!needsValue.has(name)) sources.set(name, { file, flags: {} });
  for (const [name, [parent, ...flags]] of Object.entries(permutations)) {
    const file = files.get(parent);
    if (!file || files.has(name))
      throw new Error(`shaders/permutations.ts: ${name} is a file already, or there is no ${parent}.wgsl`);
    sources.set(name, { file, flags: Object.fromEntries(flags.map((flag) => [...flag.split('='), ''])) });
  }
  return new Map([...sources].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The text of a shader with its comments. */
export function fullText({ file, flags }: Source): string {
  const text = resolveText(readText(file), readText, flags);
  return 'subgroups' in flags ? `enable subgroups;\n\n${text}` : text;
}

const loadShader = (name: string, source: Source): Reflection => reflect(name, strip(fullText(source)));

export const loadShaders = (): Reflection[] =>
  [...shaderSources()].map(([name, source]) => loadShader(name, source));

/**
 * With which others the text of a shader comes: those of a folder, and where there are many, those of convolutions, of one form, one
 * kind of adapter and one direction. What predicts on one adapter then loads little that it does not compile.
 */
export function groupOf(name: string, { file, flags }: Source): string {
  const folder = dirname(file);
  if (!folder.startsWith('conv2d/')) return folder;
  const kind = /gpu|subgroups/.exec(`${name} ${Object.keys(flags)}`)?.[0];
  const back = name.includes('_grad') ? 'back' : undefined;
  return [basename(folder), flags.form, kind, back].filter(Boolean).join('_');
}

/** The structs of buffers that host and shaders share, by the name of the file in lib/ that is nothing else. */
export function loadStructs(): ReadonlyMap<string, StructLayout> {
  const structs = new Map<string, StructLayout>();
  for (const file of wgslFiles().filter((path) => path.startsWith('lib/'))) {
    const name = basename(file, '.wgsl');
    const layout = reflectStruct(name, readText(file));
    if (layout) structs.set(name, layout);
  }
  return structs;
}

/** Brings shaders.gen.d.ts up to date; returns whether it was. */
export function writeDeclarations(): boolean {
  const text = declareShaders(loadShaders(), loadStructs());
  let old = '';
  try {
    old = readFileSync(declarations, 'utf8');
  } catch {
    // Not there yet.
  }
  if (old !== text) writeFileSync(declarations, text);
  return old === text;
}

const ALL = 'virtual:shaders';
/** Brings the texts of a group: `virtual:texts/conv2d`. */
const TEXTS = 'virtual:texts/';
/** The module in which they stand. */
const STANDING = 'virtual:standing-texts/';
const fromBase64 = join(folder, '../src/data/base64.ts');

/**
 * `assets`: texts and files are files beside the code, fetched once, however many bundles (those of a page's workers) there are. Without,
 * they stand in modules that are imported, which every bundler, and a browser without one, knows how to do.
 */
export function wgsl({ assets = false } = {}): Plugin {
  let sources = shaderSources();
  const nameOf = (id: string) => basename(id.split('?')[0], '.wgsl');
  const textsOf = (belongs: (name: string, source: Source) => boolean) =>
    JSON.stringify(
      Object.fromEntries(
        [...sources]
          .filter(([name, source]) => belongs(name, source))
          .map(([name, source]) => [name, strip(fullText(source))]),
      ),
    );
  return {
    name: 'wgsl',
    enforce: 'pre',
    buildStart() {
      if (!this.meta.watchMode) writeDeclarations();
    },
    /** A permutation lies beside its parent, where there is no such file. */
    resolveId(id) {
      if ([ALL, TEXTS, STANDING].some((start) => id.startsWith(start))) return `\0${id}`;
      const source = id.endsWith('.wgsl') && sources.get(nameOf(id));
      return source ? join(folder, dirname(source.file), `${nameOf(id)}.wgsl`) : null;
    },
    load(id) {
      if (id === `\0${ALL}`) {
        const names = [...sources.keys()];
        const imports = names.map((name, i) => `import s${i} from '${name}.wgsl';`);
        const entries = names.map((name, i) => `${JSON.stringify(name)}: s${i}`);
        return {
          code: `${imports.join('\n')}\nexport const shaders = { ${entries.join(', ')} };\nexport const texts = ${textsOf(() => true)};`,
          moduleType: 'js',
        };
      }
      const group = id.startsWith('\0') && id.split('/')[1];
      const textsOfGroup = () => textsOf((name, source) => groupOf(name, source) === group);
      if (id.startsWith(`\0${STANDING}`))
        return { code: `export default ${textsOfGroup()};`, moduleType: 'js' };
      if (id.startsWith(`\0${TEXTS}`)) {
        if (!assets)
          return {
            code: `export default async () => (await import('${STANDING}${group}')).default;`,
            moduleType: 'js',
          };
        const asset = this.emitFile({ type: 'asset', name: `${group}.json`, source: textsOfGroup() });
        return {
          code: `
let texts;
export default () => texts ??= fetch(import.meta.ROLLUP_FILE_URL_${asset}).then((response) => {
  if (!response.ok) throw new Error(\`\${response.url}: the server answered \${response.status}\`);
  return response.json();
}).catch((error) => {
  texts = undefined;
  throw error;
});`,
          moduleType: 'js',
        };
      }
      const [path, query] = id.split('?');
      if (query === 'base64') {
        const text = readFileSync(path).toString('base64');
        return { code: `export default ${JSON.stringify(text)};`, moduleType: 'js' };
      }
      if (query === 'bytes') {
        const file = `./${basename(path)}`;
        return {
          code: assets
            ? `export default async () => new URL(${JSON.stringify(`${file}?no-inline`)}, import.meta.url);`
            : `import { fromBase64 } from ${JSON.stringify(fromBase64)};
export default async () => fromBase64((await import(${JSON.stringify(`${path}?base64`)})).default);`,
          moduleType: 'js',
        };
      }
      if (!path.endsWith('.wgsl')) return null;
      for (const file of wgslFiles()) this.addWatchFile(join(folder, file));
      const name = nameOf(id);
      const source = sources.get(name);
      if (source) {
        const { text: _, ...declared } = loadShader(name, source);
        return {
          code: `import texts from '${TEXTS}${groupOf(name, source)}';
export default { ...${JSON.stringify(declared)}, code: async () => (await texts())[${JSON.stringify(name)}] };`,
          moduleType: 'js',
        };
      }
      const struct = loadStructs().get(name);
      return struct ? { code: `export default ${JSON.stringify(struct)};`, moduleType: 'js' } : null;
    },
    watchChange() {
      sources = shaderSources();
    },
  };
}
