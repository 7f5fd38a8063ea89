/** The tabs are links, so that they can be shared or opened in another tab; a plain click stays on the page. */
import { anyElement, byId } from './dom';
import { type Task, tasks } from './settings';

export function connectDoors(choose: (task: Task) => void): {
  /** Shows a tab, or none; `address` returns the link of a tab with the current settings. */
  show(task: Task | undefined, address: (task: Task) => string): void;
} {
  const tab = (task: Task) => byId(`tab-${task}`, HTMLAnchorElement);
  // As they stand on the page, which is not as the address lists them.
  const order = [...document.querySelectorAll('[role=tab]')].map(
    ({ id }) => tasks.find((task) => id === `tab-${task}`)!,
  );
  for (const [at, task] of order.entries()) {
    tab(task).addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      choose(task);
    });
    tab(task).addEventListener('keydown', (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: order.length - 1 }[event.key];
      if (to === undefined && event.key !== ' ') return;
      event.preventDefault();
      const next = to === undefined ? task : order[(to + order.length) % order.length];
      choose(next);
      tab(next).focus();
    });
  }
  let shown: Task | undefined;
  return {
    show(task, address) {
      for (const other of tasks) {
        tab(other).href = address(other);
        tab(other).setAttribute('aria-selected', String(other === task));
        tab(other).tabIndex = other === (task ?? order[0]) ? 0 : -1;
        anyElement(`panel-${other}`).hidden = other !== task;
      }
      // On a phone the row may be longer than the screen is wide.
      if (task && task !== shown) tab(task).scrollIntoView({ block: 'nearest', inline: 'nearest' });
      shown = task;
    },
  };
}
