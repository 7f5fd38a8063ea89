/** The Vite plugin that turns `import conv2d from '…/conv2d.wgsl'` into what reflect.ts reads from the file, or from a permutation of one. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { Shader, StructLayout } from '../src/plan/shader';
import { permutations } from './permutations.ts';
import { declareShaders, type Flags, reflect, reflectStruct, resolveText } from './reflect.ts';

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

function loadShader(name: string, { file, flags }: Source): Shader {
  const text = resolveText(readText(file), readText, flags);
  return reflect(name, 'subgroups' in flags ? `enable subgroups;\n\n${text}` : text);
}

export const loadShaders = (): Shader[] =>
  [...shaderSources()].map(([name, source]) => loadShader(name, source));

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

export function wgsl(): Plugin {
  let sources = shaderSources();
  const nameOf = (id: string) => basename(id.split('?')[0], '.wgsl');
  return {
    name: 'wgsl',
    enforce: 'pre',
    buildStart() {
      if (!this.meta.watchMode) writeDeclarations();
    },
    /** A permutation lies beside its parent, where there is no such file. */
    resolveId(id) {
      if (id === ALL) return `\0${ALL}`;
      const source = id.endsWith('.wgsl') && sources.get(nameOf(id));
      return source ? join(folder, dirname(source.file), `${nameOf(id)}.wgsl`) : null;
    },
    load(id) {
      if (id === `\0${ALL}`) {
        const names = [...sources.keys()];
        const imports = names.map((name, i) => `import s${i} from '${name}.wgsl';`);
        const entries = names.map((name, i) => `${JSON.stringify(name)}: s${i}`);
        return {
          code: `${imports.join('\n')}\nexport const shaders = { ${entries.join(', ')} };`,
          moduleType: 'js',
        };
      }
      if (!id.split('?')[0].endsWith('.wgsl')) return null;
      const source = sources.get(nameOf(id));
      const declared = source ? loadShader(nameOf(id), source) : loadStructs().get(nameOf(id));
      if (!declared) return null;
      for (const file of wgslFiles()) this.addWatchFile(join(folder, file));
      return { code: `export default ${JSON.stringify(declared)};`, moduleType: 'js' };
    },
    watchChange() {
      sources = shaderSources();
    },
  };
}
