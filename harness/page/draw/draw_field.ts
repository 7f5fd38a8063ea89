/** The field that is drawn on, large: ink, mask and the cursor of the keys. */
import { anyElement, byId, setText } from '../shell/dom';
import { type Drawing, inkOf, maskOf, SIDE } from '../shell/strokes';
import type { Cursor } from './draw_pen';

export class DrawField {
  readonly element = anyElement('draw-field');
  private readonly ink = canvasOf('draw-ink');
  private readonly mask = canvasOf('draw-mask');
  private drawing: Drawing | undefined;

  constructor() {
    const again = () => this.paint();
    // The canvas loses its content when the browser's GPU process dies.
    for (const { canvas } of [this.ink, this.mask]) canvas.addEventListener('contextrestored', again);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
    this.element.addEventListener('blur', () => {
      anyElement('draw-cursor').hidden = true;
    });
  }

  show(drawing: Drawing): void {
    if (drawing === this.drawing) return;
    this.drawing = drawing;
    this.paint();
  }

  /** A mask is there all the time, but matters only where something is filled in. */
  showMask(shown: boolean): void {
    this.mask.canvas.hidden = !shown;
  }

  /** Shows where the keys are, and says what is there. */
  point({ x, y, down }: Cursor): void {
    const cursor = anyElement('draw-cursor');
    cursor.hidden = !this.element.matches(':focus-visible');
    cursor.style.left = `${(100 * x) / SIDE}%`;
    cursor.style.top = `${(100 * y) / SIDE}%`;
    cursor.classList.toggle('down', down);
    const at = y * SIDE + x;
    const drawing = this.drawing ?? { strokes: [] };
    const what = inkOf(drawing)[at] > 0.5 ? 'ink' : 'paper';
    const masked = !this.mask.canvas.hidden && maskOf(drawing)[at] > 0 ? ', masked' : '';
    setText(
      anyElement('draw-at'),
      `Row ${y + 1}, column ${x + 1}: ${what}${masked}${down ? ', pen down' : ''}`,
    );
  }

  private paint(): void {
    if (!this.drawing) return;
    const ink = inkOf(this.drawing);
    fill(this.ink, (at) => {
      const grey = Math.round(255 * (1 - ink[at]));
      return [grey, grey, grey, 255];
    });
    const mask = maskOf(this.drawing);
    const color = rgb(getComputedStyle(this.mask.canvas).color);
    fill(this.mask, (at) => [...color, mask[at] > 0 ? 150 : 0]);
  }
}

function canvasOf(id: string): CanvasRenderingContext2D {
  const canvas = byId(id, HTMLCanvasElement);
  canvas.width = SIDE;
  canvas.height = SIDE;
  return canvas.getContext('2d')!;
}

const rgb = (color: string) => color.match(/\d+/g)!.slice(0, 3).map(Number);

function fill(context: CanvasRenderingContext2D, pixel: (at: number) => readonly number[]): void {
  const data = new ImageData(SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) data.data.set(pixel(at), 4 * at);
  context.putImageData(data, 0, 0);
}
