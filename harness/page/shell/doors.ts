/** The doors of the page, and the views behind each. They are links, so that they can be shared or opened in another tab; a plain click stays on the page. */

import type { Key, Task } from '../messages/settings';
import { anyElement, byId, focusOn, setHidden } from './dom';

export type View = Exclude<Task, 'check' | 'bench'>;

/** The view of a task: check and bench are parts of the GPU's. */
export const viewFor = (task: Task): View => (task === 'check' || task === 'bench' ? 'gpu' : task);

/** The first view of a door is the one that it opens at first. */
const doors = {
  play: ['sample', 'draw'],
  learn: ['explain', 'inside'],
  train: ['train'],
  gpu: ['gpu'],
} as const satisfies Readonly<Record<string, readonly View[]>>;
type Door = keyof typeof doors;
const doorNames = Object.keys(doors) as Door[];
const views = Object.values(doors).flat();

export const doorFor = (task: Task): Door =>
  doorNames.find((door) => (doors[door] as readonly View[]).includes(viewFor(task)))!;

export const viewNames: Readonly<Record<View, string>> = {
  sample: 'Make',
  draw: 'Draw',
  explain: 'Explain',
  inside: 'Inside',
  train: 'Train',
  gpu: 'GPU',
};

/** The window's title. `share`: the finished share of a training that goes on. */
export function windowTitle(view: View | undefined, share?: number): string {
  const parts = [share === undefined ? '' : `${Math.floor(100 * share)} %`, view ? viewNames[view] : ''];
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
      if (!to) return;
      to.closest('details')?.setAttribute('open', '');
      focusOn(to);
      keepInSight(to);
    });
  });
}

/** Shows an element, and keeps it in sight while the page grows, until the user or the focus moves: a browser moves what is shown by itself, too. */
function keepInSight(shown: Element): void {
  const growth = new ResizeObserver(() => shown.scrollIntoView());
  growth.observe(document.body);
  for (const move of ['wheel', 'pointerdown', 'keydown', 'focusin'])
    addEventListener(move, () => growth.disconnect(), { once: true });
}

export function connectDoors(choose: (view: View) => void): {
  /** Shows a view, or none; `address` returns the link of a view with the current settings. */
  show(view: View | undefined, address: (view: View) => string): void;
} {
  /** A door opens the view that was last open behind it. */
  const last: Record<Door, View> = { play: 'sample', learn: 'explain', train: 'train', gpu: 'gpu' };
  const link = (id: string) => byId(id, HTMLAnchorElement);
  const nav = anyElement('doors');
  const connect = (id: string, view: () => View) =>
    link(id).addEventListener('click', (event) => {
      if (!staysHere(event)) return;
      choose(view());
    });
  for (const view of views) connect(`tab-${view}`, () => view);
  // The door of a single view is that view's link.
  const several = doorNames.filter((door) => doors[door].length > 1);
  for (const door of several) connect(`door-${door}`, () => last[door]);

  const mark = (id: string, current: 'page' | 'true' | undefined) => {
    if (current) link(id).setAttribute('aria-current', current);
    else link(id).removeAttribute('aria-current');
  };
  let shown: View | undefined;
  return {
    show(view, address) {
      const open = view && doorFor(view);
      if (open) last[open] = view;
      for (const other of views) {
        link(`tab-${other}`).href = address(other);
        mark(`tab-${other}`, other === view ? 'page' : undefined);
        setHidden(`panel-${other}`, other !== view);
      }
      for (const door of several) {
        link(`door-${door}`).href = address(last[door]);
        mark(`door-${door}`, door === open ? 'true' : undefined);
        setHidden(`views-${door}`, door !== open);
      }
      // Back and Forward change the view under a link that has the focus. While the view stays, the focus goes where the user moves it.
      const focused = document.activeElement;
      const changes = view !== shown;
      shown = view;
      if (view && changes && nav.contains(focused) && !focused!.hasAttribute('aria-current'))
        link(`tab-${view}`).focus({ preventScroll: true });
    },
  };
}
