/** The keyboard's place on the page: what takes the focus away gives it to what comes next, never to nothing. */

const canHaveFocus = (element: HTMLElement) =>
  element.isConnected && element.checkVisibility() && !element.matches(':disabled');

/** Where the focus goes when its element is gone: the main button of the open tab, or else the tab. */
const NEXT = '[role=tabpanel]:not([hidden]) button.primary, [role=tab][aria-selected=true]';

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

/** Buttons that only say so do nothing either. */
export function guardDisabled(): void {
  const guard = (event: Event) => {
    if (!(event.target instanceof Element) || !event.target.closest('[aria-disabled=true]')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener('click', guard, true);
}
