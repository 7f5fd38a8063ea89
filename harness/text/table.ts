/** Tables and the numbers in them, as text for terminals and as Markdown. Pure. */
import { whole } from './units';

export interface Table {
  readonly title: string;
  /** Sentences above the table, which the reader must know before reading a number. */
  readonly lead?: readonly string[];
  readonly head: readonly string[];
  /** A row with fewer cells ends in a remark that spans the remaining columns. */
  readonly rows: readonly (readonly string[])[];
  /** The number of text columns, from the left; all others are numbers. */
  readonly text: number;
  /** Sentences below the table. */
  readonly notes?: readonly string[];
}

/** Three digits, more for large values. */
export function short(value: number): string {
  if (value >= 100) return whole(value);
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

export const percent = (share: number, digits = 0) => `${(100 * share).toFixed(digits)}%`;

// ---------------------------------------------------------------- text

export function textLine(cells: readonly string[], text: number, widths: readonly number[]): string {
  // A remark may be longer than its column.
  return cells
    .map((cell, i) => (i < text ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
    .join(' ')
    .trimEnd();
}

export function textTable({ title, lead = [], head, rows, text, notes = [] }: Table): string {
  const widths = head.map((name, i) =>
    Math.max(name.length, ...rows.filter((row) => row.length === head.length).map((row) => row[i].length)),
  );
  const lines = [head, ...rows].map((row) => `  ${textLine(row, text, widths)}`);
  return [title, ...lead, ...lines, ...notes].join('\n');
}

// ---------------------------------------------------------------- Markdown

export function markdownTable(table: Table): string {
  const { title, lead = [], notes = [] } = table;
  const [above, below] = [lead, notes].map((lines) => lines.map(escapeMarkdown));
  return [`## ${escapeMarkdown(title)}`, ...above, markdownGrid(table), ...below].join('\n\n');
}

/** The rows of a table. */
export function markdownGrid({ head, rows, text }: Pick<Table, 'head' | 'rows' | 'text'>): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i < text ? '---' : '--:')).join('|')}|`;
  const full = (cells: readonly string[]) => [...cells, ...head.slice(cells.length).map(() => '')];
  return [line(head), rule, ...rows.map((row) => line(full(row)))].join('\n');
}

/** Names from drivers, messages from compilers and opened files may contain anything: no markup, and no address that becomes a link. */
export const escapeMarkdown = (text: string) =>
  text.replace(/[\\|<>`*[\]&~]|(?<!\w)_|_(?!\w)|(?<=\bwww)\.|:(?=\/\/)/gi, '\\$&').replace(/\s+/g, ' ');
