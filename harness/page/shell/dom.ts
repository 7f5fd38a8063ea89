/** The page's elements: found by their ids, and written only if they change. An element that disappears passes its focus on. */
import { NAMESPACE, type Svg } from '../../text/svg';

export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} with the id ${id}`);
  return element;
}

export const button = (id: string) => byId(id, HTMLButtonElement);
export const anyElement = (id: string) => byId(id, HTMLElement);

/** Writes only changes, so that a screen reader does not repeat the text and a selection survives. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a message, or hides the element if there is none. */
export function setMessage(element: HTMLElement, text: string | undefined): void {
  element.hidden = !text;
  setText(element, text ?? '');
}

/** Says in `host` what could not be loaded, with a button that tries again. */
export function offerAgain(host: HTMLElement, message: string, again: () => void): void {
  const retry = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Try again' });
  retry.addEventListener('click', () => {
    host.replaceChildren();
    again();
  });
  const words = Object.assign(document.createElement('p'), { textContent: message });
  words.setAttribute('role', 'status');
  host.replaceChildren(words, retry);
}

/** A large figure with a small addition. */
export function setReading(id: string, figure: string, addition = ''): void {
  const element = anyElement(id);
  if (element.textContent === figure + addition) return;
  element.textContent = figure;
  if (!addition) return;
  const small = document.createElement('small');
  small.textContent = addition;
  element.append(small);
}

export function download(name: string, content: BlobPart | Blob, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads the URL when the download starts, which is soon.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
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
export function setDisabled(button: HTMLButtonElement, disabled: boolean): void {
  const focused = document.activeElement === button;
  button.disabled = disabled && !focused;
  if (disabled && focused) button.setAttribute('aria-disabled', 'true');
  else button.removeAttribute('aria-disabled');
}

/** Gives an element the focus. A button that `setDisabled` has disabled could not have it: it only says so from then on. */
export function focusOn(element: HTMLElement & { disabled?: boolean }): void {
  if (element.disabled) {
    element.disabled = false;
    element.setAttribute('aria-disabled', 'true');
  }
  element.focus();
}

/** Buttons that only say so do nothing either. */
export function guardDisabled(): void {
  const guard = (event: Event) => {
    if (!(event.target instanceof Element) || !event.target.closest('[aria-disabled=true]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener('click', guard, true);
}

// ---------------------------------------------------------------- what unfolds, and colours

/** Folds settings away behind a button, so that what there is to see comes right after what there is to press. The button's aria-controls names what it unfolds. */
export function foldFields(id: string): void {
  const fold = button(id);
  const folded = fold.getAttribute('aria-controls')!.split(' ').map(anyElement);
  for (const element of folded) element.classList.add('foldable');
  fold.addEventListener('click', () => {
    const open = fold.getAttribute('aria-expanded') !== 'true';
    for (const element of folded) element.classList.toggle('unfolded', open);
    fold.setAttribute('aria-expanded', String(open));
  });
}

/** A colour of the style sheet, for a canvas, which does not follow the page's colour scheme by itself. */
export const color = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Closes a menu, a popover of buttons, as one of its items is pressed. */
export function connectMenu(id: string): void {
  const menu = anyElement(id);
  menu.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('button')) menu.hidePopover();
  });
}

// ---------------------------------------------------------------- drawings

/** A drawing made of elements: no text becomes markup, so that the strictest policy allows it. */
export function elementOf({ name, attributes, children }: Svg): SVGElement {
  const element = document.createElementNS(NAMESPACE, name) as SVGElement;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children.map((child) => (typeof child === 'string' ? child : elementOf(child))));
  return element;
}

/** Adds styles without `<style>`, which the strictest policy forbids. */
export function addStyles(css: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  document.adoptedStyleSheets.push(sheet);
}
