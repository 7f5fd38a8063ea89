/** Starts what was asked for as soon as the page is ready for it: by the address (autorun), or by a button of the welcome. */
import type { App, Panel, TaskPanel } from './app';
import type { Task } from './settings';
import { isFixed } from './state';

/** What a visitor without a GPU who presses "Train it yourself" begins with, as the recording did: minutes, not an hour. */
const WITHOUT_GPU = { batch: '64', samples: '20' };

export function createStarter(
  app: App,
  panels: Readonly<Record<Task, TaskPanel>>,
): Panel & { ask(task: Task): void } {
  let asked: Task | undefined = app.settings.autorun && !app.home ? app.settings.task : undefined;
  let byWelcome = false;

  const start = () => {
    const { phase, data, adapter } = app.state;
    // Training waits for its images by itself.
    const ready = ['idle', 'paused', 'finished', 'training'].includes(phase);
    if (!asked || !(ready || (asked === 'train' && phase === 'loading' && !data))) return;
    const task = asked;
    asked = undefined;
    if (byWelcome && task === 'train' && adapter?.software && !isFixed(app.state)) {
      app.set('batch', WITHOUT_GPU.batch);
      app.set('samples', WITHOUT_GPU.samples);
    }
    panels[task].start();
  };
  return {
    render() {},
    receive: start,
    ask(task) {
      asked = task;
      byWelcome = true;
      start();
    },
  };
}
