/** The page's elements: found by their ids, and written only if they change. An element that disappears passes its focus on. */
import { NAMESPACE, type Svg } from '../../text/svg';
import { orOffline } from './format';

export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} with the id ${id}`);
  return element;
}

export const button = (id: string) => byId(id, HTMLButtonElement);
export const anyElement = (id: string) => byId(id, HTMLElement);
const elementAt = (at: HTMLElement | string) => (typeof at === 'string' ? anyElement(at) : at);

/** Has a button call back at each press. */
export const onClick = (id: string, act: (event: MouseEvent) => void) =>
  button(id).addEventListener('click', act);

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Makes a button that calls back at each press. */
export function makeButton(
  textContent: string,
  act: () => void,
  properties: Partial<HTMLButtonElement> = {},
): HTMLButtonElement {
  const button = make('button', { type: 'button', textContent, ...properties });
  button.addEventListener('click', act);
  return button;
}

/** Writes only changes, so that a screen reader does not repeat the text and a selection survives. `at`: an element, or its id. */
export function setText(at: HTMLElement | string, text: string): void {
  const element = elementAt(at);
  if (element.textContent !== text) element.textContent = text;
}

export function setHidden(id: string, hidden: boolean): void {
  anyElement(id).hidden = hidden;
}

/** Shows a message, or hides the element if there is none. */
export function setMessage(at: HTMLElement | string, text: string | undefined): void {
  elementAt(at).hidden = !text;
  setText(at, text ?? '');
}

/** Says in `host` what could not be loaded, with a button that tries again. */
export function offerAgain(host: HTMLElement, message: string, again: () => void): void {
  const retry = makeButton('Try again', () => {
    host.replaceChildren();
    again();
  });
  host.replaceChildren(make('p', { role: 'status', textContent: message }), retry);
}

/** A large figure with a small addition. */
export function setReading(id: string, figure: string, addition = ''): void {
  const element = anyElement(id);
  if (element.textContent === figure + addition) return;
  element.textContent = figure;
  if (addition) element.append(make('small', { textContent: addition }));
}

export function download(name: string, content: BlobPart | Blob, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  make('a', { href: url, download: name }).click();
  // The browser reads the URL when the download starts, which is soon.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export type MakeFiles = typeof import('./make_files');

/** Downloads what `content` makes. What makes files comes with the first one. Resolves to why it could not be made, if so. */
export async function downloadMade(
  name: string,
  content: (files: MakeFiles) => Promise<BlobPart> | BlobPart,
): Promise<string | undefined> {
  try {
    download(name, await content(await import('./make_files')));
    return undefined;
  } catch (error) {
    return orOffline(`The file could not be made: ${(error as Error).message}`);
  }
}

// ---------------------------------------------------------------- the keyboard's place

const canHaveFocus = (element: HTMLElement) =>
  element.isConnected && element.checkVisibility() && !element.matches(':disabled');

/** Gets the focus when its element is gone: the main button of the open view, or else the view's link. */
const NEXT = '.panel:not([hidden]) button.primary, [aria-current=page]';

/** Renders; if the element with the focus is hidden, disabled or gone afterwards, the focus moves on. */
export function keepFocus(render: () => void): void {
  const before = document.activeElement;
  render();
  if (!(before instanceof HTMLElement) || before === document.body || canHaveFocus(before)) return;
  const next = [...document.querySelectorAll<HTMLElement>(NEXT)].find(canHaveFocus);
  next?.focus({ preventScroll: true });
}

/** Disables a button. One that has the focus only says so, as the browser would take the focus from it. */
export function setDisabled(at: HTMLButtonElement | string, disabled: boolean): void {
  const element = typeof at === 'string' ? button(at) : at;
  const focused = document.activeElement === element;
  element.disabled = disabled && !focused;
  element.ariaDisabled = disabled && focused ? 'true' : null;
}

/** Gives an element the focus. A button that `setDisabled` has disabled could not have it: it only says so from then on. */
export function focusOn(element: HTMLElement & { disabled?: boolean }): void {
  if (element.disabled) {
    element.disabled = false;
    element.ariaDisabled = 'true';
  }
  element.focus();
}

/** What a press does to buttons of any view: to those that only say that they are disabled, nothing. */
export function connectPresses(): void {
  const pressed = ({ target }: Event, selector: string) =>
    target instanceof Element ? target.closest<HTMLElement>(selector) : null;
  const guard = (event: Event) => {
    if (!pressed(event, '[aria-disabled=true]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener('click', guard, true);
  document.addEventListener('click', (event) => {
    const fold = pressed(event, '.fold');
    if (fold) fold.ariaExpanded = String(fold.ariaExpanded !== 'true');
    pressed(event, '.menu button')?.closest<HTMLElement>('.menu')?.hidePopover();
  });
}

// ---------------------------------------------------------------- what unfolds, and colours

/** A colour of the style sheet, for a canvas, which does not follow the page's colour scheme by itself. */
export const color = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Gives the buttons of long names as much width as these need. */
export const fitNames = (host: HTMLElement, names: readonly string[]) =>
  host.classList.toggle(
    'named',
    names.some((name) => name.length > 3),
  );

/** Whether motion is reduced: nothing moves by itself. */
export const isStill = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

// ---------------------------------------------------------------- drawings

/** A drawing made of elements: no text becomes markup, so that the strictest policy allows it. */
export function drawSvg({ name, attributes, children }: Svg): SVGElement {
  const element = document.createElementNS(NAMESPACE, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children.map((child) => (typeof child === 'string' ? child : drawSvg(child))));
  return element;
}

/** Adds styles without `<style>`, which the strictest policy forbids. */
export function addStyles(css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
