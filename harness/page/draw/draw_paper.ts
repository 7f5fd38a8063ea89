/** The left half of the Draw view: the field with its ink, mask and cursor, its tools, the pen of mouse, finger and keys, and what was drawn. */

import {
  type Drawing,
  drawInk,
  drawMask,
  nothing,
  type Point,
  RADIUS,
  SIDE,
  type Stroke,
  type Tool,
  tools,
} from '../../pictures/strokes';
import type { App } from '../shell/app';
import { anyElement, button, byId, onClick, setDisabled, setHidden, setText } from '../shell/dom';

export class DrawPaper {
  private readonly app: App;
  private readonly history = new DrawHistory();
  private readonly field = new DrawField();
  private tool: Tool = 'draw';

  /** `takeExample` brings a training image. */
  constructor(app: App, takeExample: () => void) {
    this.app = app;
    const pen: Pen = {
      begin: (point) => this.change(() => this.history.begin(this.tool, point)),
      extend: (point) => this.change(() => this.history.extend(point)),
      undo: () => this.change(() => this.history.undo()),
    };
    connectPointer(anyElement('draw-field'), pen);
    connectKeys(anyElement('draw-field'), pen, (cursor) => {
      // The description of the pixel includes the key's own drawing.
      this.field.show(this.drawing);
      this.field.point(cursor);
    });
    for (const tool of tools) onClick(`tool-${tool}`, () => this.choose(tool));
    onClick('draw-undo', pen.undo);
    onClick('draw-clear', () => this.clear());
    onClick('draw-example', takeExample);
  }

  get drawing(): Drawing {
    return this.history.current;
  }

  get isBlank(): boolean {
    return this.drawing.strokes.length === 0 && !this.drawing.picture;
  }

  choose(tool: Tool): void {
    this.change(() => {
      this.tool = tool;
    });
  }

  clear(): void {
    this.change(() => this.history.put(nothing));
  }

  /** Whether there is a picture under the strokes. */
  get hasPicture(): boolean {
    return this.drawing.picture !== undefined;
  }

  /** Goes on with a picture, 0 to 255. */
  take(picture: Uint8Array): void {
    this.change(() => this.history.put({ picture, strokes: [] }));
  }

  render(): void {
    const masks = this.app.settings.ask === 'fill';
    for (const each of tools) button(`tool-${each}`).ariaPressed = String(each === this.tool);
    setHidden('tool-mask', !masks);
    setDisabled('draw-undo', !this.history.canUndo);
    setDisabled('draw-clear', this.isBlank);
    setDisabled('draw-example', ['starting', 'failed'].includes(this.app.state.phase));
    this.field.show(this.drawing);
    this.field.showMask(masks);
  }

  private change(change: () => void): void {
    change();
    this.app.changed();
  }
}

// ---------------------------------------------------------------- what was drawn

/** The drawing and its earlier states, so that every stroke can be undone. Pure. */
export class DrawHistory {
  private readonly drawings: Drawing[] = [nothing];
  /** Whether the newest stroke is still being drawn. Another drawing or an undo ends it. */
  private drawing = false;

  get current(): Drawing {
    return this.drawings[this.drawings.length - 1];
  }

  get canUndo(): boolean {
    return this.drawings.length > 1;
  }

  /** Another drawing in place of this one. */
  put(drawing: Drawing): void {
    this.drawings.push(drawing);
    this.drawing = false;
  }

  /** A stroke begins: so far a dot. */
  begin(tool: Tool, point: Point): void {
    const stroke: Stroke = { tool, radius: RADIUS[tool], points: [point] };
    this.put({ ...this.current, strokes: [...this.current.strokes, stroke] });
    this.drawing = true;
  }

  /** The newest stroke goes on to here. */
  extend(point: Point): void {
    if (!this.drawing) return;
    const { strokes } = this.current;
    const stroke = strokes[strokes.length - 1];
    const longer = { ...stroke, points: [...stroke.points, point] };
    this.drawings[this.drawings.length - 1] = { ...this.current, strokes: [...strokes.slice(0, -1), longer] };
  }

  undo(): void {
    if (this.canUndo) this.drawings.pop();
    this.drawing = false;
  }
}

// ---------------------------------------------------------------- the field

class DrawField {
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
      setHidden('draw-cursor', true);
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

  /** Shows the keyboard's place, and describes the pixel there. */
  point({ x, y, down }: Cursor): void {
    const cursor = anyElement('draw-cursor');
    cursor.hidden = !this.element.matches(':focus-visible');
    cursor.style.left = `${(100 * x) / SIDE}%`;
    cursor.style.top = `${(100 * y) / SIDE}%`;
    cursor.classList.toggle('down', down);
    const at = y * SIDE + x;
    const drawing = this.drawing ?? { strokes: [] };
    const what = drawInk(drawing)[at] > 0.5 ? 'ink' : 'paper';
    const masked = !this.mask.canvas.hidden && drawMask(drawing)[at] > 0 ? ', masked' : '';
    setText('draw-at', `Row ${y + 1}, column ${x + 1}: ${what}${masked}${down ? ', pen down' : ''}`);
  }

  private paint(): void {
    if (!this.drawing) return;
    const ink = drawInk(this.drawing);
    fillCanvas(this.ink, (at) => {
      const grey = Math.round(255 * (1 - ink[at]));
      return [grey, grey, grey, 255];
    });
    const mask = drawMask(this.drawing);
    const color = rgb(getComputedStyle(this.mask.canvas).color);
    fillCanvas(this.mask, (at) => [...color, mask[at] > 0 ? 150 : 0]);
  }
}

function canvasOf(id: string): CanvasRenderingContext2D {
  const canvas = byId(id, HTMLCanvasElement);
  canvas.width = SIDE;
  canvas.height = SIDE;
  return canvas.getContext('2d')!;
}

const rgb = (color: string) => color.match(/\d+/g)!.slice(0, 3).map(Number);

function fillCanvas(context: CanvasRenderingContext2D, pixel: (at: number) => readonly number[]): void {
  const data = new ImageData(SIDE, SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) data.data.set(pixel(at), 4 * at);
  context.putImageData(data, 0, 0);
}

// ---------------------------------------------------------------- the pen

interface Pen {
  begin(point: Point): void;
  extend(point: Point): void;
  undo(): void;
}

/** The keyboard's place, in whole pixels from the top left. `down`: the keys draw. */
interface Cursor {
  readonly x: number;
  readonly y: number;
  readonly down: boolean;
}

function connectPointer(field: HTMLElement, pen: Pen): void {
  let id: number | undefined;
  const pointOf = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top, width, height } = field.getBoundingClientRect();
    return { x: ((clientX - left) / width) * SIDE, y: ((clientY - top) / height) * SIDE };
  };
  field.addEventListener('pointerdown', (event) => {
    if (id !== undefined || event.button !== 0) return;
    id = event.pointerId;
    field.setPointerCapture(id);
    pen.begin(pointOf(event));
  });
  field.addEventListener('pointermove', (event) => {
    if (event.pointerId !== id) return;
    // A fast pen passes several points from one frame to the next.
    const between = event.getCoalescedEvents?.() ?? [];
    for (const each of between.length > 0 ? between : [event]) pen.extend(pointOf(each));
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    field.addEventListener(end, (event) => {
      if (event.pointerId === id) id = undefined;
    });
  }
}

const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrow keys move a cursor. Space draws a dot, and a line while it is held; Enter puts the pen down and lifts it. */
function connectKeys(field: HTMLElement, pen: Pen, moved: (cursor: Cursor) => void): void {
  let cursor: Cursor = { x: SIDE / 2, y: SIDE / 2, down: false };
  const middle = () => ({ x: cursor.x + 0.5, y: cursor.y + 0.5 });
  const move = (to: Partial<Cursor>) => {
    cursor = { ...cursor, ...to };
    moved(cursor);
  };
  const put = (down: boolean) => {
    if (down && !cursor.down) pen.begin(middle());
    move({ down });
  };
  field.addEventListener('focus', () => moved(cursor));
  field.addEventListener('blur', () => put(false));
  field.addEventListener('keyup', ({ key }) => {
    if (key === ' ') put(false);
  });
  field.addEventListener('keydown', (event) => {
    const { key } = event;
    const by = MOVES[key];
    if ((event.ctrlKey || event.metaKey) && key === 'z') pen.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (by) {
      const inside = (v: number) => Math.min(Math.max(v, 0), SIDE - 1);
      move({ x: inside(cursor.x + by[0]), y: inside(cursor.y + by[1]) });
      if (cursor.down) pen.extend(middle());
    } else if (key === ' ') put(true);
    else if (key === 'Enter') put(!cursor.down);
    else return;
    event.preventDefault();
  });
}
