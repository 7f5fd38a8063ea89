/** The desk for shaders, which is loaded when the first one is edited, or saved while the development server runs. */

import type { Listed } from '../messages/inside_messages';
import type { App } from '../shell/app';
import type { SavedShader, ShaderDesk } from './desk';

export function lateDesk(app: App) {
  let desk: Promise<ShaderDesk> | undefined;
  const load = (): Promise<ShaderDesk> => {
    desk ??= import('./desk').then(({ ShaderDesk }) => new ShaderDesk(app));
    desk.catch(() => {
      desk = undefined; // the network may be back next time
      app.complain('The editor of shaders could not be loaded. Try again, or reload the page.');
    });
    return desk;
  };
  // As shaders/saved.ts calls it; a build has no such server.
  import.meta.hot?.on('shader-saved', (saved: SavedShader) => {
    void load().then((loaded) => loaded.save(saved));
  });
  return {
    /** As `ShaderDesk.open`, once the desk is loaded; if that fails, it only calls `closed`. */
    open(box: HTMLElement, shader: string, op: number, listed: Listed, closed: () => void): void {
      load().then((loaded) => loaded.open(box, shader, op, listed, closed), closed);
    },
    /** The dispatches were listed anew. */
    listed(listed: Listed): void {
      void desk?.then((loaded) => {
        loaded.listed = listed;
      });
    },
  };
}
