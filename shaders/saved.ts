/** For the development server: tells the page of a shader that was saved, instead of loading the page anew, which would end its run. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** The event, with the file's path in shaders/ and its text: see harness/page/edit/desk.ts. */
export const SAVED = 'shader-saved';

export function savedShaders(): Plugin {
  return {
    name: 'saved-shaders',
    apply: 'serve',
    async hotUpdate({ file, type, read }) {
      const path = relative(folder, file).replaceAll('\\', '/');
      if (type !== 'update' || !path.endsWith('.wgsl') || path.startsWith('..')) return;
      // The next page that is opened gets the new text, wherever it is part of a module: see plugin.ts.
      const { moduleGraph, hot, name } = this.environment;
      for (const [id, module] of moduleGraph.idToModuleMap)
        if (/\.wgsl$|virtual:(kernel|.*shader)/.test(id)) moduleGraph.invalidateModule(module);
      if (name === 'client') hot.send(SAVED, { file: path, text: await read() });
      return [];
    },
  };
}
