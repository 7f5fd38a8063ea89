/** A drawing as strokes of a soft round pen over an optional picture, and its ink and its mask. Pure. */

/** Width and height of a drawing in pixels, as in MNIST. */
export const SIDE = 28;
const SIZE = SIDE * SIDE;

export const tools = ['draw', 'erase', 'mask'] as const;
export type Tool = (typeof tools)[number];

/** In pixels from the top left corner: the middle of the first pixel is at 0.5, 0.5. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Stroke {
  readonly tool: Tool;
  /** Radius of the pen's line where its ink is half, in pixels. */
  readonly radius: number;
  readonly points: readonly Point[];
}

export interface Drawing {
  /** The picture under the strokes, 0 to 255; undefined means white paper. */
  readonly picture?: Uint8Array;
  readonly strokes: readonly Stroke[];
}

/** The pen's line is as wide as the lines of MNIST, about three pixels with its soft edges. */
export const RADIUS: Readonly<Record<Tool, number>> = { draw: 1.1, erase: 1.8, mask: 2.5 };

export const nothing: Drawing = { strokes: [] };

/** The ink of a drawing, [28][28] from 0 (paper) to 1. */
export function drawInk({ picture, strokes }: Drawing): Float32Array<ArrayBuffer> {
  const ink = picture ? Float32Array.from(picture, (byte) => byte / 255) : new Float32Array(SIZE);
  for (const stroke of strokes) {
    if (stroke.tool === 'mask') continue;
    eachPixel(stroke, (at, cover) => {
      ink[at] = stroke.tool === 'draw' ? Math.max(ink[at], cover) : Math.min(ink[at], 1 - cover);
    });
  }
  return ink;
}

/** 1 where the mask is, else 0; [28][28]. */
export function drawMask({ strokes }: Drawing): Float32Array<ArrayBuffer> {
  const mask = new Float32Array(SIZE);
  for (const stroke of strokes) {
    if (stroke.tool !== 'mask') continue;
    eachPixel(stroke, (at, cover) => {
      if (cover > 0.5) mask[at] = 1;
    });
  }
  return mask;
}

export const isEmpty = (values: Float32Array) => values.every((value) => value < 0.5);

/** Calls `visit` for the pixels that a stroke touches, with how much of each it covers: a soft edge, one pixel wide. */
function eachPixel({ points, radius }: Stroke, visit: (at: number, cover: number) => void): void {
  const reach = radius + 0.5;
  const first = (v: number) => Math.max(0, Math.floor(v - reach));
  const last = (v: number) => Math.min(SIDE - 1, Math.floor(v + reach));
  points.forEach((to, i) => {
    const from = points[Math.max(0, i - 1)];
    for (let y = first(Math.min(from.y, to.y)); y <= last(Math.max(from.y, to.y)); y++) {
      for (let x = first(Math.min(from.x, to.x)); x <= last(Math.max(from.x, to.x)); x++) {
        const cover = Math.min(1, reach - distance({ x: x + 0.5, y: y + 0.5 }, from, to));
        if (cover > 0) visit(y * SIDE + x, cover);
      }
    }
  });
}

/** From `p` to the line between `a` and `b`. */
function distance(p: Point, a: Point, b: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length2 = dx * dx + dy * dy;
  const along = length2 > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0;
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}
