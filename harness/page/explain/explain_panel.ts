/** The Explain view: four scenes on how noise becomes digits. They are loaded when they are first shown. */

import type { WorkerEvent } from '../messages/messages';
import type { App, TaskPanel } from '../shell/app';
import { anyElement, offerAgain, setHidden } from '../shell/dom';
import { orOffline } from '../shell/format';
import { loadRecording } from '../welcome/recorded';
import type { Explain } from './explain';

/** Shows the scenes in `host`; without an app they show what was recorded. Where they cannot be loaded, it says so, and tries again at a press. */
async function load(host: HTMLElement, app?: App): Promise<Explain> {
  try {
    const [{ Explain }, recording] = await Promise.all([import('./explain'), loadRecording()]);
    return new Explain(host, recording, app);
  } catch (error) {
    const { message } = error as Error;
    const words = orOffline(`The scenes could not be loaded: ${message}`);
    await new Promise<void>((resolve) => offerAgain(host, words, resolve));
    return load(host, app);
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
  setHidden('explain-recorded', false);
  // They may have been asked for before it turned out that there is none.
  anyElement('explain-scenes').replaceChildren();
  void load(anyElement('explain-recorded'));
}
