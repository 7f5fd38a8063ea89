/** Rows of tables that open. */
import { element } from '../shell/table';

export interface OpenRow {
  /** Opens it, and gives it the focus. */
  open(): void;
}

/** Makes the first cell a button that shows and hides a row below. `fill` makes the row's contents when it is opened for the first time. */
export function openRow(
  row: HTMLTableRowElement,
  columns: number,
  fill: (box: HTMLElement) => void,
): OpenRow {
  const [first] = row.cells;
  const toggle = Object.assign(element('button', 'disclose'), { type: 'button', ariaExpanded: 'false' });
  toggle.append(...first.childNodes);
  first.replaceChildren(toggle);
  let detail: HTMLTableRowElement | undefined;
  const show = (open: boolean) => {
    toggle.ariaExpanded = String(open);
    if (!detail) {
      detail = element('tr', 'detail');
      row.after(detail);
      const box = element('div', 'opened');
      Object.assign(detail.insertCell(), { colSpan: columns }).append(box);
      fill(box);
    }
    detail.hidden = !open;
  };
  toggle.addEventListener('click', () => show(toggle.ariaExpanded !== 'true'));
  return {
    open() {
      show(true);
      toggle.scrollIntoView({ block: 'center' });
      toggle.focus({ preventScroll: true });
    },
  };
}

/** Facts under names. */
export function factList(facts: Readonly<Record<string, string>>): HTMLElement {
  const list = element('dl', 'facts');
  for (const [name, value] of Object.entries(facts)) {
    if (!value) continue;
    const pair = element('div', '');
    pair.append(element('dt', '', name), element('dd', '', value));
    list.append(pair);
  }
  return list;
}
