/** Table rows. Contents are always inserted as text, never as HTML. */

import type { Table } from '../../text/table';
import { termed } from '../glossary/terms';
import { make } from './dom';

export function cell(row: HTMLTableRowElement, text: string, kind = ''): HTMLTableCellElement {
  const added = row.insertCell();
  // In narrow columns, names break after their dots and underscores.
  const parts = text.split(/(?<=[a-z\d][._])(?=[a-z])/);
  added.append(...parts.flatMap((part, i) => (i > 0 ? [make('wbr'), part] : [part])));
  if (kind) added.className = kind;
  return added;
}

/** A row of one cell, for remarks about the row above. */
export function extraRow(body: HTMLTableSectionElement, columns: number, text: string, kind: string): void {
  const row = body.insertRow();
  row.className = 'extra';
  cell(row, text, kind).colSpan = columns;
}

/** Makes an element. */
export const element = <K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = '') =>
  Object.assign(document.createElement(tag), { className, textContent: text });

/** A bar, of which a share from 0 to 1 is filled. */
export function bar(share: number, kind = ''): HTMLElement {
  const bar = element('span', `bar ${kind}`);
  bar.style.setProperty('--share', `${100 * Math.min(share, 1)}%`);
  return bar;
}

/** A table with its title and notes, to which rows may be added. */
export function tableSection(table: Table) {
  const { title, lead = [], head, rows, text, notes = [] } = table;
  const section = element('section', 'spaced');
  // A scrollable element must be reachable by keyboard.
  const scroll = Object.assign(element('div', 'table'), { tabIndex: 0, role: 'region', ariaLabel: title });
  const grid = element('table', '');
  const titles = grid.createTHead().insertRow();
  head.forEach((name, i) => {
    const title = Object.assign(element('th', i < text ? '' : 'number'), { scope: 'col' });
    title.append(...termed(name));
    titles.append(title);
  });
  const body = grid.createTBody();
  for (const cells of rows) appendRow(body, cells, table);
  scroll.append(grid);
  const paragraphs = (lines: readonly string[]) => lines.map((line) => element('p', 'muted', line));
  const below = element('div', 'notes');
  const showNotes = (lines: readonly string[] = []) => below.replaceChildren(...paragraphs(lines));
  showNotes(notes);
  section.append(element('h2', 'title', title), ...paragraphs(lead), scroll, below);
  return { section, body, showNotes };
}

/** Adds a row and returns it; a row with fewer cells ends in a remark. */
export function appendRow(
  body: HTMLTableSectionElement,
  cells: readonly string[],
  { head, text }: Pick<Table, 'head' | 'text'>,
): HTMLTableRowElement {
  const row = body.insertRow();
  const short = cells.length < head.length;
  cells.forEach((value, i) => {
    const remark = short && i === cells.length - 1;
    const added = cell(row, value, remark ? 'muted' : i < text ? '' : 'number');
    if (remark) added.colSpan = head.length - i;
  });
  return row;
}
