/** Shows a result of the bench, whether it grows or comes from a file: its table in parts, whose rows open, and the roofline. */

import { type BenchResult, type Part, parts, type Row } from '../../bench/result';
import { NARROW, roofline, rooflineCss } from '../../bench/roofline';
import { caveats, nameOf, partOf, rowCells } from '../../bench/table';
import { shareText, worstText } from '../../run/check_export';
import { short } from '../../text/table';
import { plural, whole } from '../../text/units';
import { addStyles, anyElement, elementOf, setHidden, setMessage, setText } from '../shell/dom';
import { appendRow, tableSection } from '../shell/table';
import { sourcesOf } from '../sources/sources';
import { factList, type OpenRow, openRow } from './open_row';

export class BenchView {
  private readonly rows = new Map<string, OpenRow>();
  private readonly shown = new Map<Part, ReturnType<typeof tableSection>>();
  private readonly roofline = new RooflineView((row) => this.rows.get(row)?.open());
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
    const { drawn } = this;
    if (result === drawn) return;
    this.drawn = result;
    // Only rows that have come since are added, so that a selection and the scroll position survive. A file may be of the same run.
    const grown = result && drawn?.rows.every((row, i) => row === result.rows[i]);
    const before = grown ? drawn!.rows.length : 0;
    if (!grown) {
      this.rows.clear();
      this.shown.clear();
      for (const id of ['bench-whole', 'bench-rows']) anyElement(id).replaceChildren();
    }
    const added = result?.rows.slice(before) ?? [];
    for (const part of parts) {
      const rows = added.filter((row) => row.part === part);
      if (rows.length > 0) this.add(result!, part, rows);
    }
    if (added.length > 0 || !grown) this.roofline.draw(result, this.narrow.matches);
  }

  private add(result: BenchResult, part: Part, rows: readonly Row[]): void {
    const about = partOf(result, part);
    const known = this.shown.get(part);
    const made = known ?? tableSection({ ...about, rows: [] });
    this.shown.set(part, made);
    if (!known) anyElement(part === 'kernel' ? 'bench-rows' : 'bench-whole').append(made.section);
    made.showNotes(about.notes);
    for (const measured of rows) {
      if (measured.reason !== undefined) continue;
      const row = appendRow(made.body, rowCells(result, measured), about);
      row.classList.toggle('in-use', measured.used === true);
      const opened = openRow(row, about.head.length, (box) => box.append(...detailsOf(measured)));
      this.rows.set(nameOf(measured), opened);
    }
  }
}

/** What the row's columns do not say. */
function detailsOf({ kernel, batch, shape, flops, bytes, shaders, check, firstMs }: Row): HTMLElement[] {
  const facts = factList({
    Shape: shape ?? plural(batch, 'image'),
    Operations: flops === undefined ? '' : `${whole(flops)}, nominal`,
    Bytes: bytes === undefined ? '' : `${whole(bytes)}, each once`,
    'First run': firstMs === undefined ? '' : `${short(firstMs)} ms with all that was made for it`,
    'Check before it': !check
      ? ''
      : check.pass
        ? `passed with ${shareText(check.share)} of the allowed error; worst ${worstText(check.worst) || 'none'}`
        : `failed: ${check.failure}`,
  });
  return shaders ? [facts, sourcesOf(kernel, shaders)] : [facts];
}

// ---------------------------------------------------------------- the roofline

/** Maximum distance of a finger from its mark, in units of the drawing. */
const REACH = 30;
const HINT =
  'Touch a mark, or move from mark to mark with the arrow keys, to see its name. Enter opens its row.';

/** The roofline plot, whose marks say their names to a mouse, a finger and the keyboard. */
class RooflineView {
  private readonly plot = anyElement('bench-plot');
  /** From left to right. */
  private marks: SVGElement[] = [];
  /** The row of the chosen mark: it stays while new marks come. */
  private chosen: string | undefined;

  /** `open` is called with the row of a mark. */
  constructor(open: (row: string) => void) {
    addStyles(rooflineCss);
    this.plot.addEventListener('click', (event) => this.choose(this.nearest(event)));
    this.plot.addEventListener('keydown', (event) => {
      const { marks } = this;
      const at = marks.findIndex(({ dataset }) => dataset.row === this.chosen);
      const places = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1 };
      const to = { ...places, Home: 0, End: marks.length - 1 }[event.key];
      if (event.key === 'Enter' && this.chosen) open(this.chosen);
      else if (to === undefined) return;
      else this.choose(marks[Math.min(Math.max(to, 0), marks.length - 1)]);
      event.preventDefault();
    });
  }

  /** Hides the plot while there is nothing to draw. */
  draw(result: BenchResult | undefined, narrow: boolean): void {
    const drawing = result && roofline(result, narrow ? NARROW : undefined);
    setHidden('bench-roofline', !drawing);
    if (!drawing) return;
    this.plot.replaceChildren(elementOf(drawing));
    const marks = [...this.plot.querySelectorAll<SVGElement>('.point')];
    this.marks = marks.sort((a, b) => Number(a.dataset.x) - Number(b.dataset.x));
    this.choose(marks.find(({ dataset }) => dataset.row === this.chosen));
  }

  private choose(mark: SVGElement | undefined): void {
    this.chosen = mark?.dataset.row;
    for (const other of this.marks) other.classList.toggle('chosen', other === mark);
    setText('bench-mark', mark ? mark.querySelector('title')!.textContent! : HINT);
  }

  /** A finger is broader than any mark. */
  private nearest({ clientX, clientY }: MouseEvent): SVGElement | undefined {
    const inverse = this.plot.querySelector('svg')!.getScreenCTM()!.inverse();
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(inverse);
    const distance = ({ dataset }: SVGElement) => Math.hypot(Number(dataset.x) - x, Number(dataset.y) - y);
    const nearest = this.marks.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    return distance(nearest) <= REACH ? nearest : undefined;
  }
}
