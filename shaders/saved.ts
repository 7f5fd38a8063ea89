/** For the development server: sends a saved shader to the page, instead of reloading the page, which would end its run. */
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
      // A page that is opened later gets the new text in all modules: see plugin.ts.
      const { moduleGraph, hot, name } = this.environment;
      for (const [id, module] of moduleGraph.idToModuleMap)
        if (/\.wgsl$|virtual:(kernel|.*shader)/.test(id)) moduleGraph.invalidateModule(module);
      if (name === 'client') hot.send(SAVED, { file: path, text: await read() });
      return [];
    },
  };
}
