/** The doors of the page, and the views behind each. They are links, so that they can be shared or opened in another tab; a plain click stays on the page. */

import { type Key, type Task, tasks } from '../messages/settings';
import { anyElement, byId, focusOn, setHidden } from './dom';

/** The first view of a door is the one that it opens at first. */
const doors = {
  play: ['sample', 'draw'],
  learn: ['explain', 'inside'],
  train: ['train'],
  gpu: ['gpu', 'check', 'bench'],
} as const satisfies Readonly<Record<string, readonly Task[]>>;
type Door = keyof typeof doors;
const doorNames = Object.keys(doors) as Door[];

export const doorOf = (task: Task): Door =>
  doorNames.find((door) => (doors[door] as readonly Task[]).includes(task))!;

export const viewNames: Readonly<Record<Task, string>> = {
  sample: 'Make',
  draw: 'Draw',
  explain: 'Explain',
  inside: 'Inside',
  train: 'Train',
  gpu: 'This GPU',
  check: 'Check',
  bench: 'Bench',
};

/** The window's title. `share`: the finished share of a training that goes on. */
export function titleOf(task: Task | undefined, share?: number): string {
  const parts = [share === undefined ? '' : `${Math.floor(100 * share)} %`, task ? viewNames[task] : ''];
  return [...parts.filter(Boolean), 'webgpu-diffusion'].join(' · ');
}

/** Whether a click opens the link on this page; then the browser does nothing. */
export function staysHere(event: MouseEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  event.preventDefault();
  return true;
}

/** Links that lead on to a view, with settings: their address has the task at its end, and `data-lead` names what gets the focus there, and unfolds. */
export function connectLeads(set: (key: Key, text: string) => void): void {
  document.addEventListener('click', (event) => {
    if (!(event.target instanceof Element)) return;
    const link = event.target.closest<HTMLAnchorElement>('a[data-lead]');
    if (!link || !staysHere(event)) return;
    for (const [key, text] of new URLSearchParams(link.search)) set(key as Key, text);
    // The view is drawn by then.
    requestAnimationFrame(() => {
      const to = document.getElementById(link.dataset.lead!);
      to?.closest('details')?.setAttribute('open', '');
      to?.scrollIntoView();
      if (to) focusOn(to);
    });
  });
}

export function connectDoors(choose: (task: Task) => void): {
  /** Shows a view, or none; `address` returns the link of a view with the current settings. */
  show(task: Task | undefined, address: (task: Task) => string): void;
} {
  /** A door opens the view that was last open behind it. */
  const last: Record<Door, Task> = { play: 'sample', learn: 'explain', train: 'train', gpu: 'gpu' };
  const link = (id: string) => byId(id, HTMLAnchorElement);
  const nav = anyElement('doors');
  const connect = (id: string, task: () => Task) =>
    link(id).addEventListener('click', (event) => {
      if (!staysHere(event)) return;
      choose(task());
    });
  for (const task of tasks) connect(`tab-${task}`, () => task);
  // The door of a single view is that view's link.
  const several = doorNames.filter((door) => doors[door].length > 1);
  for (const door of several) connect(`door-${door}`, () => last[door]);

  const mark = (id: string, current: 'page' | 'true' | undefined) => {
    if (current) link(id).setAttribute('aria-current', current);
    else link(id).removeAttribute('aria-current');
  };
  let shown: Task | undefined;
  return {
    show(task, address) {
      const open = task && doorOf(task);
      if (task) last[doorOf(task)] = task;
      for (const other of tasks) {
        link(`tab-${other}`).href = address(other);
        mark(`tab-${other}`, other === task ? 'page' : undefined);
        setHidden(`panel-${other}`, other !== task);
      }
      for (const door of several) {
        link(`door-${door}`).href = address(last[door]);
        mark(`door-${door}`, door === open ? 'true' : undefined);
        setHidden(`views-${door}`, door !== open);
      }
      // Back and Forward change the view under a link that has the focus. While the view stays, the focus goes where the user moves it.
      const focused = document.activeElement;
      const changes = task !== shown;
      shown = task;
      if (task && changes && nav.contains(focused) && !focused!.hasAttribute('aria-current'))
        link(`tab-${task}`).focus({ preventScroll: true });
    },
  };
}
