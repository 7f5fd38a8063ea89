/** The Explain view: four scenes on how noise becomes digits. They are loaded when they are first shown. */
import type { App, TaskPanel } from '../shell/app';
import { anyElement } from '../shell/dom';
import type { WorkerEvent } from '../worker/messages';
import type { Explain } from './explain';

/** Shows the scenes in `host`; without an app they show what was recorded. Where they cannot be loaded, it says so. */
async function load(host: HTMLElement, app?: App): Promise<Explain | undefined> {
  try {
    const { Explain } = await import('./explain');
    return new Explain(host, app);
  } catch (error) {
    host.textContent = `The scenes could not be loaded. Reload the page. ${(error as Error).message}`;
    return undefined;
  }
}

export function createExplainPanel(app: App): TaskPanel {
  let loading = false;
  let scenes: Explain | undefined;
  return {
    tasks: ['explain'],
    start() {},
    receive(event: WorkerEvent) {
      scenes?.receive(event);
    },
    render() {
      if (!anyElement('explain-recorded').hidden) return;
      scenes?.render();
      if (loading) return;
      loading = true;
      void load(anyElement('explain-scenes'), app).then((loaded) => {
        scenes = loaded;
        app.changed();
      });
    },
  };
}

/** Without a GPU the scenes stand below the recording. */
export function explainWithoutGpu(): void {
  anyElement('explain-recorded').hidden = false;
  // They may have been asked for before it turned out that there is none.
  anyElement('explain-scenes').replaceChildren();
  void load(anyElement('explain-recorded'));
}
