/** Shows a result of the bench, whether it grows or comes from a file: its tables, a row for each kernel that was timed, and the roofline. */

import { shareText, worstText } from '../../bench/check_export';
import type { BenchResult, BenchRow } from '../../bench/result';
import { NARROW, roofline, rooflineCss } from '../../bench/roofline';
import {
  benchTables,
  caveats,
  inUseNote,
  isInUse,
  kernelsTitle,
  rowCells,
  rowHead,
  short,
  skippedLines,
} from '../../bench/table';
import { whole } from '../../text/units';
import { addStyles, anyElement, elementOf, setHidden, setMessage, setText } from '../shell/dom';
import { appendRow, element, extraRow, tableSection } from '../shell/table';
import { sourcesOf } from '../sources/sources';
import { factList, type OpenRow, openRow } from './open_row';

export class BenchView {
  private readonly rows = new BenchRows();
  private readonly roofline = new RooflineView((row) => this.rows.open(row));
  private drawn: BenchResult | undefined;
  private readonly narrow = matchMedia('(max-width: 34rem)');

  /** `changed` is called when the result must be drawn again. */
  constructor(changed: () => void) {
    this.narrow.addEventListener('change', () => {
      this.drawn = undefined;
      changed();
    });
  }

  /** `complete`: the result does not grow any more, so the view lists what it lacks. */
  draw(result: BenchResult | undefined, complete: boolean): void {
    setMessage('bench-caveats', result && complete ? caveats(result).join('\n') : '');
    if (result === this.drawn) return;
    const { drawn } = this;
    // The drawn result, if this one has grown from it: only the changes are drawn. A file may be of the same run.
    const before = result && drawn?.rows.every((row, i) => row === result.rows[i]) ? drawn : undefined;
    this.drawn = result;
    if (!before) this.rows.clear();
    if (!before || hasChanged(before, result!)) {
      const tables = result ? benchTables({ ...result, rows: [] }) : [];
      anyElement('bench-whole').replaceChildren(...tables.map(tableSection));
    }
    if (result) this.rows.draw(result);
    if (before?.rows !== result?.rows || !before) this.roofline.draw(result, this.narrow.matches);
    drawSkipped(result);
  }
}

/** Whether a part other than the rows has changed. */
const hasChanged = (before: BenchResult, now: BenchResult) =>
  (['breakdowns', 'sweep', 'step', 'forward', 'sample'] as const).some((part) => before[part] !== now[part]);

function drawSkipped(result: BenchResult | undefined): void {
  const skipped = result?.skipped ?? [];
  setHidden('bench-skipped', skipped.length === 0);
  setText('bench-skipped-count', `Not run: ${whole(skipped.length)}`);
  const lines = skippedLines(skipped).map((line) => element('li', '', line.replace(/^not run: /, '')));
  anyElement('bench-skipped-list').replaceChildren(...lines);
}

// ---------------------------------------------------------------- the kernels

/** Kernel, variant and layer form one name here, so that a phone shows the milliseconds beside it. */
const TABLE = { head: ['kernel', ...rowHead.slice(3)], text: 1 };

const nameOf = ({ kernel, variant, layer }: BenchRow) => `${kernel}.${variant} ${layer}`;

/** A row opens to what exactly was timed, and what ran. */
class BenchRows {
  private body: HTMLTableSectionElement | undefined;
  private drawn = 0;
  private rows = new Map<string, OpenRow>();

  clear(): void {
    this.body = undefined;
    this.drawn = 0;
    this.rows.clear();
    anyElement('bench-rows').replaceChildren();
  }

  /** Draws what has come since, so that a selection and the scroll position survive. */
  draw(result: BenchResult): void {
    if (result.rows.length === 0) return;
    if (!this.body) {
      const title = kernelsTitle(result);
      const section = tableSection({ ...TABLE, title, lead: inUseNote(result), rows: [] });
      anyElement('bench-rows').replaceChildren(section);
      this.body = section.querySelector('table')!.tBodies[0];
    }
    for (; this.drawn < result.rows.length; this.drawn++)
      this.add(this.body, result, result.rows[this.drawn]);
  }

  /** By `kernel.variant layer`. */
  open(name: string): void {
    this.rows.get(name)?.open();
  }

  private add(body: HTMLTableSectionElement, result: BenchResult, measured: BenchRow): void {
    const inUse = isInUse(result, measured);
    const [kernel, variant, layer, ...cells] = rowCells(measured, inUse);
    const row = appendRow(body, [`${kernel}.${variant} ${layer}`, ...cells], TABLE);
    row.classList.toggle('in-use', inUse === true);
    const { failure } = measured.check;
    if (failure) extraRow(body, TABLE.head.length, failure, 'wrap');
    const opened = openRow(row, TABLE.head.length, (box) => box.append(...detailsOf(measured)));
    this.rows.set(nameOf(measured), opened);
  }
}

function detailsOf(row: BenchRow): HTMLElement[] {
  const { kernel, variant, batch, ms, shape, flops, bytes, shaders, check } = row;
  const rate = (name: string, value: number | null) => (value ? `${short(value)} ${name}` : '');
  const facts = factList({
    Variant: `${kernel}.${variant}`,
    Shape: shape ?? `batch ${batch}; the file says no more`,
    Operations: flops === undefined ? '' : `${whole(flops)}, nominal`,
    Bytes: bytes === undefined ? '' : `${whole(bytes)}, each once`,
    Samples: ms
      ? `${ms.n}: median ${short(ms.median)} ms, a tenth below ${short(ms.p10)}, a tenth above ${short(ms.p90)}`
      : 'none',
    Rates: [rate('GFLOP/s', row.gflops), rate('GB/s', row.gbps)].filter(Boolean).join(', '),
    'Check before it': check.pass
      ? `passed with ${shareText(check.share)} of the allowed error; worst ${worstText(check.worst) || 'none'}`
      : 'failed',
  });
  return shaders ? [facts, sourcesOf(kernel, shaders)] : [facts];
}

// ---------------------------------------------------------------- the roofline

/** Maximum distance of a finger from its mark, in units of the drawing. */
const REACH = 30;
const HINT =
  'Touch a mark, or move from mark to mark with the arrow keys, to see its name. Enter opens its row.';

/** The roofline plot, whose marks show their names to a mouse, a finger and the keyboard. */
class RooflineView {
  private readonly open: (row: string) => void;
  /** From left to right. */
  private marks: SVGElement[] = [];
  /** The row of the mark that the keyboard has reached: it stays while new marks come. */
  private chosen: string | undefined;

  /** `open` is called with the row of a mark, `kernel.variant layer`. */
  constructor(open: (row: string) => void) {
    this.open = open;
    addStyles(rooflineCss);
    const plot = anyElement('bench-plot');
    plot.addEventListener('click', (event) => this.point(event));
    plot.addEventListener('keydown', (event) => this.move(event));
    plot.addEventListener('focusin', ({ target }) => this.choose(target as SVGElement));
  }

  /** Hides the plot while there is nothing to draw. */
  draw(result: BenchResult | undefined, narrow: boolean): void {
    const plot = result && roofline(result, narrow ? NARROW : undefined);
    setHidden('bench-roofline', !plot);
    if (!plot) return;
    const hadFocus = anyElement('bench-plot').contains(document.activeElement);
    const drawing = elementOf(plot);
    // Not one picture any more, as its marks can be reached.
    drawing.role = 'group';
    const marks = [...drawing.querySelectorAll<SVGElement>('.point')];
    this.marks = marks.sort((a, b) => Number(a.dataset.x) - Number(b.dataset.x));
    for (const mark of marks) {
      mark.role = 'img';
      mark.ariaLabel = markName(mark);
      mark.tabIndex = -1;
    }
    anyElement('bench-plot').replaceChildren(drawing);
    const mark = this.marks.find(({ dataset }) => dataset.row === this.chosen);
    if (mark) this.show(mark);
    else {
      this.chosen = undefined;
      this.marks[0].tabIndex = 0;
      setText('bench-mark', HINT);
    }
    if (hadFocus) (mark ?? this.marks[0]).focus({ preventScroll: true });
  }

  private choose(target: SVGElement): void {
    const mark = target.closest<SVGElement>('.point');
    if (mark) this.show(mark);
  }

  private show(mark: SVGElement): void {
    this.chosen = mark.dataset.row;
    for (const other of this.marks) {
      other.tabIndex = other === mark ? 0 : -1;
      other.classList.toggle('chosen', other === mark);
    }
    setText('bench-mark', markName(mark));
  }

  private move(event: KeyboardEvent): void {
    const at = this.marks.findIndex(({ dataset }) => dataset.row === this.chosen);
    const last = this.marks.length - 1;
    const places = {
      ...{ ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1 },
      ...{ Home: 0, End: last },
    };
    const to = places[event.key as keyof typeof places];
    if (event.key === 'Enter' && this.chosen) this.open(this.chosen);
    else if (to === undefined) return;
    else this.marks[Math.min(Math.max(to, 0), last)].focus();
    event.preventDefault();
  }

  /** Names the nearest mark: a finger is broader than any. */
  private point({ clientX, clientY }: MouseEvent): void {
    const drawing = anyElement('bench-plot').querySelector('svg')!;
    const inverse = drawing.getScreenCTM()!.inverse();
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(inverse);
    const distance = ({ dataset }: SVGElement) => Math.hypot(Number(dataset.x) - x, Number(dataset.y) - y);
    const nearest = this.marks.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    if (distance(nearest) <= REACH) nearest.focus({ preventScroll: true });
  }
}

const markName = (mark: SVGElement) => mark.querySelector('title')!.textContent!;
