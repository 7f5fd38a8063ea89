/** The Vite plugin that turns `import conv2d from '…/conv2d.wgsl'` into what reflect.ts reads from the file. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import type { Shader } from '../src/plan/shader';
import { declareShaders, reflect, resolveImports } from './reflect.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));
export const declarations = join(folder, 'shaders.gen.d.ts');

export function loadShader(file: string): Shader {
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  return reflect(basename(file, '.wgsl'), resolveImports(read(basename(file)), read));
}

/** Every shader of the folder, by name. */
export function loadShaders(): Shader[] {
  const files = readdirSync(folder).filter((f) => f.endsWith('.wgsl'));
  return files.sort().map(loadShader);
}

/** Brings shaders.gen.d.ts up to date; returns whether it was. */
export function writeDeclarations(): boolean {
  const text = declareShaders(loadShaders());
  let old = '';
  try {
    old = readFileSync(declarations, 'utf8');
  } catch {
    // Not there yet.
  }
  if (old !== text) writeFileSync(declarations, text);
  return old === text;
}

export function wgsl(): Plugin {
  return {
    name: 'wgsl',
    enforce: 'pre',
    buildStart() {
      if (!this.meta.watchMode) writeDeclarations();
    },
    load(id) {
      const [file] = id.split('?');
      if (!file.endsWith('.wgsl')) return null;
      for (const lib of readdirSync(join(folder, 'lib'))) this.addWatchFile(join(folder, 'lib', lib));
      return { code: `export default ${JSON.stringify(loadShader(file))};`, moduleType: 'js' };
    },
  };
}
