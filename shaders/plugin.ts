/**
 * The Vite plugin that turns `import conv2d from '…/conv2d.wgsl'` into what reflect.ts reads from the file, or from a permutation of one,
 * and `import file from './file?bytes'` into a function that loads the file. Texts and files are large, so both load on demand.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { StructLayout } from '../src/plan/shader';
import { type Flags, shaderText } from '../src/plan/text.ts';
import { permutations } from './permutations.ts';
import { declareShaders, type Reflection, reflect, reflectStruct, strip } from './reflect.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
export const declarations = join(folder, 'shaders.gen.d.ts');

/** A text with bindings is a shader; other texts are only imported. */
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

/** The source file and flags of each shader, by name. */
export function shaderSources(): ReadonlyMap<string, Source> {
  const files = new Map(
    wgslFiles()
      .filter((file) => declaresBindings(readText(file)))
      .map((file) => [basename(file, '.wgsl'), file]),
  );
  const sources = new Map<string, Source>();
  // A file in which a flag needs a value is not a shader by itself.
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

const stripped = (path: string) => strip(readText(path));

/** The text of a shader as the GPU gets it, or, with `readText`, with its comments. */
export const textOf = ({ file, flags }: Source, read = stripped): string => shaderText(file, read, flags);

/** By name and text: reading one takes some 20 ms, and each is asked for twice, for its declaration and as a module. */
const reflections = new Map<string, Reflection>();

function loadShader(name: string, source: Source): Reflection {
  const text = textOf(source);
  const key = `${name} ${text}`;
  const reflection = reflections.get(key) ?? reflect(name, text);
  reflections.set(key, reflection);
  return reflection;
}

export const loadShaders = (): Reflection[] =>
  [...shaderSources()].map(([name, source]) => loadShader(name, source));

/**
 * Groups that are not folders. `network`: files that every network needs. `flow`: files that a network with noise levels as input needs.
 */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['flow', /^conditioning\/|\/(normal|turns|gaussian_noise|flow_step)\.wgsl$/],
  ['optimizer', /^lib\/(slices|reduce)\./],
  ['network', /^lib\/|^activation\/(?!.*_grad)|\/(pack_weights|nhwc_to_chwn|chwn_to_nhwc)\.wgsl$/],
  ['tuner', /\/difference\.wgsl$/],
];

/**
 * The group of files that load together: those of a folder; for convolutions, which are many, those of one form, one kind of adapter and
 * one direction. So a program that predicts on one adapter loads few files that it does not need.
 */
export function groupOf(file: string): string {
  const special = GROUPS.find(([, files]) => files.test(file))?.[0];
  const folder = dirname(file);
  if (special || !folder.startsWith('conv2d/')) return special ?? folder;
  const name = basename(file, '.wgsl');
  const form = /^f\d+x\d+$/.exec(name)?.[0];
  const kind = /gpu|subgroups/.exec(name)?.[0];
  // On GPUs, Winograd's forms need the shared files, but not the processors' shaders. Files without a dot in their name are no shaders.
  const shared = folder.endsWith('winograd') && !name.includes('.') ? 'shared' : undefined;
  const back = name.includes('_grad') ? 'back' : undefined;
  return [basename(folder), form ?? kind ?? shared, back].filter(Boolean).join('_');
}

/** The groups of the files that make up a shader. */
function groupsOf(source: Source): string[] {
  const groups = new Set<string>();
  textOf(source, (file) => {
    groups.add(groupOf(file));
    return stripped(file);
  });
  return [...groups];
}

/** The structs of buffers that the host and shaders share, by the name of the file in lib/, which holds nothing else. */
export function loadStructs(): ReadonlyMap<string, StructLayout> {
  const structs = new Map<string, StructLayout>();
  for (const file of wgslFiles().filter((path) => path.startsWith('lib/'))) {
    const name = basename(file, '.wgsl');
    const layout = reflectStruct(name, readText(file));
    if (layout) structs.set(name, layout);
  }
  return structs;
}

/** Updates shaders.gen.d.ts; returns whether it was up to date. */
export function writeDeclarations(): boolean {
  const text = declareShaders(loadShaders(), loadStructs());
  let old = '';
  try {
    old = readFileSync(declarations, 'utf8');
  } catch {
    // The file does not exist yet.
  }
  if (old !== text) writeFileSync(declarations, text);
  return old === text;
}

const ALL = 'virtual:shaders';
/** The files with their comments, for the page and `explain`, which show them. */
const SOURCES = 'virtual:shader-sources';
/** Loads the files of a group: `virtual:shader-files/activation`. */
const FILES = 'virtual:shader-files/';
/** The module that contains them. */
const STANDING = 'virtual:standing-shader-files/';
const loadText = join(folder, '../src/plan/text.ts');
const fromBase64 = join(folder, '../src/data/base64.ts');

const json = (entries: (readonly [string, unknown])[]) => JSON.stringify(Object.fromEntries(entries));

const groupIn = (id: string) => id.slice(id.indexOf('/') + 1);

/** The files of a group, with their texts. */
const filesOfGroup = (group: string) =>
  json(
    wgslFiles()
      .filter((file) => groupOf(file) === group)
      .map((file) => [file, stripped(file)]),
  );

/** A module without a file: all shaders, their sources, or a group of files. */
function virtualModule(id: string, sources: ReadonlyMap<string, Source>): string | undefined {
  if (id === `\0${ALL}`) {
    const names = [...sources.keys()];
    const imports = names.map((name, i) => `import s${i} from '${name}.wgsl';`);
    const entries = names.map((name, i) => `${JSON.stringify(name)}: s${i}`);
    const texts = json([...sources].map(([name, source]) => [name, textOf(source)]));
    return `${imports.join('\n')}\nexport const shaders = { ${entries.join(', ')} };\nexport const texts = ${texts};`;
  }
  if (id === `\0${SOURCES}`) {
    const files = json(wgslFiles().map((file) => [file, readText(file)]));
    return `export const files = ${files};\nexport const sources = ${json([...sources])};`;
  }
  return id.startsWith(`\0${STANDING}`) ? `export default ${filesOfGroup(groupIn(id))};` : undefined;
}

/** Fetches a group of files, once. */
const fetchedModule = (asset: string) => `
let files;
export default () => files ??= fetch(import.meta.ROLLUP_FILE_URL_${asset}).then((response) => {
  if (!response.ok) throw new Error(\`\${response.url}: the server answered \${response.status}\`);
  return response.json();
}).catch((error) => {
  files = undefined;
  throw error;
});`;

function bytesModule(path: string, assets: boolean): string {
  if (assets) {
    const url = JSON.stringify(`./${basename(path)}?no-inline`);
    return `export default async () => new URL(${url}, import.meta.url);`;
  }
  return `import { fromBase64 } from ${JSON.stringify(fromBase64)};
export default async () => fromBase64((await import(${JSON.stringify(`${path}?base64`)})).default);`;
}

function shaderModule(name: string, source: Source): string {
  const { text: _, ...declared } = loadShader(name, source);
  const groups = groupsOf(source);
  return `import { loadText } from ${JSON.stringify(loadText)};
${groups.map((each, i) => `import g${i} from '${FILES}${each}';`).join('\n')}
export default {
  ...${JSON.stringify(declared)},
  code: () => loadText(${JSON.stringify(source.file)}, ${JSON.stringify(source.flags)}, [${groups.map((_, i) => `g${i}`)}]),
};`;
}

/**
 * `assets`: shader files and others become files beside the code, fetched once, no matter how many bundles (the page's workers have their
 * own) use them. Without it, they become modules that are imported, which works in every bundler and in a browser without one.
 */
export function wgsl({ assets = false } = {}): Plugin {
  let sources = shaderSources();
  const nameOf = (id: string) => basename(id.split('?')[0], '.wgsl');
  const js = (code: string) => ({ code, moduleType: 'js' as const });
  return {
    name: 'wgsl',
    enforce: 'pre',
    buildStart() {
      if (!this.meta.watchMode) writeDeclarations();
    },
    /** A permutation resolves to a path beside its parent's, where no file exists. */
    resolveId(id) {
      if ([ALL, SOURCES, FILES, STANDING].some((start) => id.startsWith(start))) return `\0${id}`;
      const source = id.endsWith('.wgsl') && sources.get(nameOf(id));
      return source ? join(folder, dirname(source.file), `${nameOf(id)}.wgsl`) : null;
    },
    load(id) {
      const virtual = virtualModule(id, sources);
      if (virtual) return js(virtual);
      if (id.startsWith(`\0${FILES}`)) {
        const group = groupIn(id);
        if (!assets) return js(`export default async () => (await import('${STANDING}${group}')).default;`);
        const source = filesOfGroup(group);
        return js(fetchedModule(this.emitFile({ type: 'asset', name: `${group}.json`, source })));
      }
      const [path, query] = id.split('?');
      if (query === 'base64')
        return js(`export default ${JSON.stringify(readFileSync(path).toString('base64'))};`);
      if (query === 'bytes') return js(bytesModule(path, assets));
      if (!path.endsWith('.wgsl')) return null;
      if (this.meta.watchMode) for (const file of wgslFiles()) this.addWatchFile(join(folder, file));
      const name = nameOf(id);
      const source = sources.get(name);
      if (source) return js(shaderModule(name, source));
      const struct = loadStructs().get(name);
      return struct ? js(`export default ${JSON.stringify(struct)};`) : null;
    },
    watchChange() {
      sources = shaderSources();
    },
  };
}
