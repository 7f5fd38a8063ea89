/** The page's markup in rooms: a line `<!-- include ./make.html -->` of index.html stands for that file, in development and at build. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';

/** `html` with each fragment in place of its line. `used` hears the path of each. Throws if a file is missing. */
export function withFragments(html: string, folder: string, used = (_: string) => {}): string {
  return html.replace(/<!-- include (\S+) -->/g, (_, file: string) => {
    const path = resolve(folder, file);
    used(path);
    return readFileSync(path, 'utf8').trim();
  });
}

export const fragments = (): Plugin => ({
  name: 'fragments',
  transformIndexHtml: {
    order: 'pre', // before Vite looks for what the markup refers to
    handler: (html, { filename }) => withFragments(html, resolve(filename, '..')),
  },
  // Vite by itself loads the page anew for index.html alone.
  hotUpdate({ file }) {
    if (file.endsWith('.html')) this.environment.hot.send({ type: 'full-reload' });
  },
});
