// Makes the type declarations of the package, a part of `npm run build`:
//
//   node harness/tools/build/make_declarations.mjs
//
// writes dist/lib/index.d.ts: all that src/index.ts exports, in one file without imports, so that every way of resolving modules
// finds it; likewise for the package's other entries. (The sources import each other without extensions, which TypeScript's own declarations
// would keep, and Node's way of resolving refuses.)
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { generateDtsBundle } from 'dts-bundle-generator';
import { loadConfigFromFile } from 'vite';

const path = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));

const { config } = await loadConfigFromFile({ command: 'build', mode: 'lib' }, path('vite.config.ts'));
/** The sources of the package's entries, by name. */
const { cli: _, read_pictures: __, ...entries } = config.build.lib.entry;

export { entries };

/** The text of each, by its name: of all at once, which reads the sources once. Throws if they have a type error. */
export function makeDeclarations() {
  const sources = Object.values(entries).map(path);
  const bundles = generateDtsBundle(
    sources.map((filePath) => ({ filePath, output: { exportReferencedTypes: false, noBanner: true } })),
    { preferredConfigPath: path('tsconfig.json') },
  );
  // For `Symbol.dispose`: the libraries up to ES2025, which most projects ask for, lack it.
  const texts = bundles.map((bundle, i) => {
    const text = typesAlone(withoutPrivate(bundle), sources[i]);
    return `/// <reference lib="esnext.disposable" />\n${namesOfWebGPU(text)}${text}`;
  });
  return new Map(Object.keys(entries).map((name, i) => [name, texts[i]]));
}

/** Without private and protected members: no caller can use them. */
const withoutPrivate = (bundle) =>
  bundle.replace(/(?:^\t*\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^\t*(?:private|protected) [^;]*;\n/gm, '');

/**
 * Before version 6, TypeScript does not know WebGPU by itself, and a program that leaves it to the engine need not install @webgpu/types. The names
 * that are mentioned are declared as empty interfaces, which become one with whatever else declares them.
 */
function namesOfWebGPU(bundle) {
  const code = bundle.replace(/\/\*[\s\S]*?\*\//g, '');
  const names = [...new Set(code.match(/\bGPU[A-Za-z]*\b/g))].sort();
  if (names.length === 0) return '';
  return `declare global {\n${names.map((name) => `\tinterface ${name} {}\n`).join('')}}\n`;
}

/** The generator exports a class as a value, too, where `export type { … }` has it as a type alone. */
function typesAlone(bundle, source) {
  const exported = [...readFileSync(source, 'utf8').matchAll(/^export type \{([^}]*)\}/gm)];
  const names = exported.flatMap(([_, list]) => list.match(/\w+/g));
  const classes = names.filter((name) => new RegExp(`export declare class ${name}\\b`).test(bundle));
  if (classes.length === 0) return bundle;
  const declared = new RegExp(`export (declare class (?:${classes.join('|')})\\b)`, 'g');
  return `${bundle.replace(declared, '$1')}\nexport type { ${classes.join(', ')} };\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, text] of makeDeclarations()) await writeFile(path(`dist/lib/${name}.d.ts`), text);
}
