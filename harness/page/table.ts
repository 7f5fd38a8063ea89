/** Rows of a table. Text only, whatever it says. */

export function cell(row: HTMLTableRowElement, text: string, kind = ''): HTMLTableCellElement {
  const added = row.insertCell();
  added.textContent = text;
  if (kind) added.className = kind;
  return added;
}

/** A row of one cell, for what the row above it needs to say. */
export function extraRow(body: HTMLTableSectionElement, columns: number, text: string, kind: string): void {
  const row = body.insertRow();
  row.className = 'extra';
  cell(row, text, kind).colSpan = columns;
}
