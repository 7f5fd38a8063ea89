/** The roofline on the page: each mark says what it is, to a mouse, a finger and the keyboard. */
import type { BenchResult } from '../../bench/result';
import { NARROW, roofline, rooflineCss } from '../../bench/roofline';
import { anyElement, setText } from '../shell/dom';
import { addStyles, elementOf } from '../shell/svg_dom';

/** How near a finger must come to a mark, in units of the drawing. */
const REACH = 30;
const HINT = 'Touch a mark, or go from mark to mark with the arrow keys, for its name; Enter opens its row.';

export class RooflineView {
  private readonly open: (row: string) => void;
  /** From left to right. */
  private marks: SVGElement[] = [];
  /** The one that the keyboard is at, by its row: it stays while others come. */
  private chosen: string | undefined;

  /** `open` is told the row of a mark, `kernel.variant layer`. */
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
    anyElement('bench-roofline').hidden = !plot;
    if (!plot) return;
    const hadFocus = anyElement('bench-plot').contains(document.activeElement);
    const drawing = elementOf(plot);
    // Not one picture any more, as its marks can be reached.
    drawing.setAttribute('role', 'group');
    const marks = [...drawing.querySelectorAll<SVGElement>('.point')];
    this.marks = marks.sort((a, b) => Number(a.dataset.x) - Number(b.dataset.x));
    for (const mark of marks) {
      mark.setAttribute('role', 'img');
      mark.setAttribute('aria-label', nameOf(mark));
      mark.tabIndex = -1;
    }
    anyElement('bench-plot').replaceChildren(drawing);
    const mark = this.marks.find(({ dataset }) => dataset.row === this.chosen);
    if (mark) this.show(mark);
    else {
      this.chosen = undefined;
      this.marks[0].tabIndex = 0;
      setText(anyElement('bench-mark'), HINT);
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
    setText(anyElement('bench-mark'), nameOf(mark));
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

const nameOf = (mark: SVGElement) => mark.querySelector('title')!.textContent!;
