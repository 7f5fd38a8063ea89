/** Mouse, finger and keys as a pen on the drawing field. */
import { type Point, SIDE } from '../shell/strokes';

export interface Pen {
  begin(point: Point): void;
  extend(point: Point): void;
  undo(): void;
}

/** Where the keys are, in whole pixels from the top left, and whether they draw. */
export interface Cursor {
  readonly x: number;
  readonly y: number;
  readonly down: boolean;
}

export function connectPointer(field: HTMLElement, pen: Pen): void {
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
export function connectKeys(field: HTMLElement, pen: Pen, moved: (cursor: Cursor) => void): void {
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
