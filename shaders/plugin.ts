/**
 * The Vite plugin that turns `import shaders from 'virtual:kernel/conv2d'` into the declarations that reflect.ts reads from the kernel's files
 * and their permutations, and `import file from './file?bytes'` into a function that loads the file. Texts and files are large, so both load on demand.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin, Rollup } from 'vite';
import type { StructLayout } from '../src/plan/shader';
import { type Flags, shaderText } from '../src/plan/text.ts';
import { permutations } from './permutations.ts';
import {
  declareShaders,
  groupByKernel,
  hashOfText,
  type Reflection,
  reflect,
  reflectStruct,
  strip,
} from './reflect.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
const declarations = join(folder, 'shaders.gen.d.ts');
/** What reflect.ts has read of each shader: all processes that load shaders need it, and reading takes two seconds. */
const reflected = join(folder, 'reflected.gen.json');

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
export const assembleText = ({ file, flags }: Source, read = stripped): string =>
  shaderText(file, read, flags);

/** A shader's text, and the groups of the files that make it up. */
interface Assembled {
  readonly text: string;
  readonly groups: readonly string[];
}
/** What was assembled of sources that have not changed (`currentSources`). */
const assembled = new WeakMap<Source, Assembled>();

function assemble(source: Source): Assembled {
  const known = assembled.get(source);
  if (known) return known;
  const groups = new Set<string>();
  const text = assembleText(source, (file) => {
    groups.add(fileGroup(file));
    return stripped(file);
  });
  const shader = { text, groups: [...groups] };
  assembled.set(source, shader);
  return shader;
}

/** Reflections by name and text: each takes some 20 ms, and is needed twice, for its declaration and as a module. */
const reflections = new Map<string, Reflection>();

function loadShader(name: string, source: Source): Reflection {
  const { text } = assemble(source);
  const key = `${name} ${text}`;
  const reflection = reflections.get(key) ?? writtenOf(name, text) ?? reflect(name, text);
  reflections.set(key, reflection);
  return reflection;
}

type Written = Readonly<Record<string, Omit<Reflection, 'text' | 'code'>>>;
let written: Written | undefined;

/** The reflection of this text, if it was written. */
function writtenOf(name: string, text: string): Reflection | undefined {
  written ??= readWritten();
  const known = written[name];
  if (known?.hash !== hashOfText(text)) return undefined;
  return { ...known, text, code: async () => text };
}

function readWritten(): Written {
  if (!existsSync(reflected)) return {};
  const { by, shaders }: { by: string; shaders: Written } = JSON.parse(readFileSync(reflected, 'utf8'));
  return by === reader() ? shaders : {};
}

/** A hash of the program that reads shaders, and of the parser's version. */
const reader = () => hashOfText(`${readText('reflect.ts')}${readText('../package.json')}`);

export const loadShaders = (): Reflection[] =>
  [...currentSources()].map(([name, source]) => loadShader(name, source));

/**
 * Groups that are not folders. `network`: files that every network needs. `flow`: files that a network with noise levels as input needs.
 * `winograd_weights`: a file for processors.
 */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['flow', /^conditioning\/|\/(normal|turns|flow_step)\.wgsl$/],
  ['optimizer', /^lib\/(slices|reduce)\./],
  ['winograd_weights', /\/weight_product\.wgsl$/],
  ['network', /^lib\/|^activation\/(?!.*_grad)|\/(pack_weights|nhwc_to_chwn|chwn_to_nhwc)\.wgsl$/],
];

const hasTwin = (file: string) => existsSync(join(folder, file.replace('.wgsl', '_gpu.wgsl')));

/**
 * The group of files that load together: the files of a folder; for convolutions, which are many, the files of one form, one kind of adapter
 * and one direction. So a program that predicts on one adapter loads few files that it does not need.
 */
export function fileGroup(file: string): string {
  const special = GROUPS.find(([_, files]) => files.test(file))?.[0];
  const folder = dirname(file);
  if (special || !folder.startsWith('conv2d/')) return special ?? folder;
  const name = basename(file, '.wgsl');
  const form = /^f\d+x\d+$/.exec(name)?.[0];
  // A file with a twin for GPUs is for processors alone.
  const kind = /gpu|subgroups/.exec(name)?.[0] ?? (hasTwin(file) ? 'software' : undefined);
  // On GPUs, Winograd's forms need the shared files, but not the processors' shaders. Files without a dot in their name are no shaders.
  const shared = folder.endsWith('winograd') && !name.includes('.') ? 'shared' : undefined;
  const back = name.includes('_grad') ? 'back' : undefined;
  return [basename(folder), form ?? kind ?? shared, back].filter(Boolean).join('_');
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

/** The kernels that a network may use: all but those that measure an adapter. */
const networkKernels = () =>
  readdirSync(join(folder, '../src/kernels'))
    .map((file) => basename(file, '.ts'))
    .filter((kernel) => !existsSync(join(folder, `probes/${kernel}.wgsl`)));

/** A hash of all inputs of the declarations, this program included: reading the shaders takes seconds, this milliseconds. */
function stampOf(sources: ReadonlyMap<string, Source>): string {
  const hash = createHash('sha256').update(JSON.stringify([...sources, networkKernels()]));
  for (const file of [...wgslFiles(), 'plugin.ts', 'reflect.ts', '../package.json'])
    hash.update(`\n${file}\n${readText(file)}`);
  return hash.digest('hex').slice(0, 16);
}

let current: { readonly stamp: string; readonly sources: ReadonlyMap<string, Source> } | undefined;

/** `shaderSources`, the same objects while no file changes: a build makes a bundle of the page and one of each worker. */
function currentSources(): ReadonlyMap<string, Source> {
  const sources = shaderSources();
  const stamp = stampOf(sources);
  if (current?.stamp !== stamp) current = { stamp, sources };
  return current.sources;
}

/** Writes shaders.gen.d.ts and reflected.gen.json, which are not in git, if one is missing or out of date. */
export function writeDeclarations(): void {
  const sources = shaderSources();
  const head = `// Generated by shaders/plugin.ts (${stampOf(sources)}). Do not edit.\n`;
  const isWritten = existsSync(declarations) && readFileSync(declarations, 'utf8').startsWith(head);
  if (isWritten && existsSync(reflected)) return;
  const shaders = loadShaders();
  const all = shaders.map(
    ({ name, text: _, code: __, ...declared }) => [name, { name, ...declared }] as const,
  );
  write(reflected, JSON.stringify({ by: reader(), shaders: Object.fromEntries(all) }));
  write(declarations, `${head}\n${declareShaders(shaders, loadStructs(), networkKernels())}`);
}

/** Under another name first, so that a compiler never reads half a file. */
function write(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, text);
  renameSync(beside, path);
}

/** The shaders of a kernel: `virtual:kernel/conv2d`. */
const KERNEL = 'virtual:kernel/';
/** All shaders. */
const ALL = 'virtual:shaders';
/** The references of all kernels that a network may use. */
const REFERENCES = 'virtual:references';
/** The files with their comments, for the page and `explain`, which show them. */
const SOURCES = 'virtual:shader-sources';
/** Loads the files of a group: `virtual:shader-files/activation`. */
const FILES = 'virtual:shader-files/';
/** The module that contains them. */
const STANDING = 'virtual:standing-shader-files/';
const shaderModule = join(folder, '../src/plan/shader.ts');
const referenceOf = (kernel: string) => join(folder, `../src/reference/${kernel}.ts`);
const fromBase64 = join(folder, '../src/data/base64.ts');

const json = (entries: (readonly [string, unknown])[]) => JSON.stringify(Object.fromEntries(entries));

const groupIn = (id: string) => id.slice(id.indexOf('/') + 1);

/** The files of a group, with their texts. */
const filesOfGroup = (group: string) =>
  json(
    wgslFiles()
      .filter((file) => fileGroup(file) === group)
      .map((file) => [file, stripped(file)]),
  );

/** A module without a file: shaders, their sources, a group of files, or the references. */
function virtualModule(id: string, sources: ReadonlyMap<string, Source>): string | undefined {
  if (id.startsWith(`\0${KERNEL}`)) return kernelModule(groupIn(id), sources);
  if (id === `\0${ALL}`) {
    const kernels = [...groupByKernel(sources.keys())];
    const imports = kernels.map(([kernel], i) => `import k${i} from '${KERNEL}${kernel}';`);
    const entries = kernels.flatMap(([_, shaders], i) =>
      shaders.map(([technique, name]) => `${JSON.stringify(name)}: k${i}.${technique}`),
    );
    const texts = json([...sources].map(([name, source]) => [name, assembleText(source)]));
    return `${imports.join('\n')}\nexport const shaders = { ${entries.join(', ')} };\nexport const texts = ${texts};`;
  }
  if (id === `\0${REFERENCES}`) return referencesModule(networkKernels());
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

/** The shaders of a kernel by the rest of their names, each with its text to load. */
function kernelModule(kernel: string, sources: ReadonlyMap<string, Source>): string {
  const shaders = groupByKernel(sources.keys()).get(kernel);
  if (!shaders)
    throw new Error(`shaders/ has no file ${kernel}.wgsl, and none whose name begins with ${kernel}.`);
  const groupsOf = (name: string) => assemble(sources.get(name)!).groups;
  const groups = [...new Set(shaders.flatMap(([_, name]) => groupsOf(name)))];
  const entries = shaders.map(([technique, name]) => {
    const { file, flags } = sources.get(name)!;
    const { hash, workgroupSize, params, bindings, columns } = loadShader(name, sources.get(name)!);
    const fields = declareList(params.fields, ({ type }) => type, 'u32');
    const bound = declareList(bindings, ({ access }) => access, 'read');
    const given = [name, hash, workgroupSize, fields, bound, file, flags].map((value) =>
      JSON.stringify(value),
    );
    const files = groupsOf(name).map((group) => `g${groups.indexOf(group)}`);
    const all = [...given, `[${files}]`, ...(columns ? [JSON.stringify(columns)] : [])];
    return `${technique}: /* @__PURE__ */ declared(${all.join(', ')}),`;
  });
  return `import { declared } from ${JSON.stringify(shaderModule)};
${groups.map((each, i) => `import g${i} from '${FILES}${each}';`).join('\n')}
export default {
${entries.join('\n')}
};`;
}

/** A list that `declared` reads. */
const declareList = <Value>(
  all: Readonly<Record<string, Value>>,
  kindOf: (value: Value) => string,
  usual: string,
) =>
  Object.entries(all)
    .map(([name, value]) => (kindOf(value) === usual ? name : `${name}:${kindOf(value)}`))
    .join(' ');

/** Throws for a kernel without a reference, which would otherwise fail in the self-check of a user. */
export function referencesModule(kernels: readonly string[]): string {
  const missing = kernels.filter((kernel) => !existsSync(referenceOf(kernel)));
  if (missing.length > 0)
    throw new Error(
      missing.map((kernel) => `The kernel ${kernel} needs src/reference/${kernel}.ts.`).join(' '),
    );
  const imports = kernels.map(
    (kernel, i) =>
      `import { reference as r${i}, small as s${i} } from ${JSON.stringify(referenceOf(kernel))};`,
  );
  const record = (letter: string) =>
    `{ ${kernels.map((kernel, i) => `${kernel}: ${letter}${i}`).join(', ')} }`;
  return `${imports.join('\n')}
export const references = ${record('r')};
export const smallCases = ${record('s')};`;
}

/** Writes the declarations; a half-written shader does not end the server. */
function refreshDeclarations(context: Rollup.PluginContext): void {
  try {
    writeDeclarations();
  } catch (error) {
    if (!context.meta.watchMode) throw error;
    context.warn(`The types of shaders stay as they are: ${(error as Error).message}`);
  }
}

/**
 * `assets`: shader files and others become files beside the code, fetched once, for all bundles (the page's workers have
 * separate ones). Without it, they become modules that are imported, which works in every bundler and in a browser without one.
 */
export function wgsl({ assets = false } = {}): Plugin {
  let sources = currentSources();
  const js = (code: string) => ({ code, moduleType: 'js' as const });
  return {
    name: 'wgsl',
    enforce: 'pre',
    buildStart() {
      refreshDeclarations(this);
    },
    resolveId: (id) =>
      [KERNEL, ALL, REFERENCES, SOURCES, FILES, STANDING].some((start) => id.startsWith(start))
        ? `\0${id}`
        : null,
    load(id) {
      if (this.meta.watchMode && id.startsWith(`\0${KERNEL}`))
        for (const file of wgslFiles()) this.addWatchFile(join(folder, file));
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
      if (!path.endsWith('.wgsl') || query !== undefined) return null;
      const struct = loadStructs().get(basename(path, '.wgsl'));
      if (!struct)
        throw new Error(
          `${path} is not a struct of shaders/lib, which alone can be imported; import a kernel's shaders from 'virtual:kernel/NAME'.`,
        );
      return js(`export default ${JSON.stringify(struct)};`);
    },
    watchChange(id) {
      if (!id.endsWith('.wgsl')) return;
      sources = currentSources();
      refreshDeclarations(this);
    },
  };
}
