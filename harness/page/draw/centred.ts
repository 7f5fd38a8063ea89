/** Moves and scales a drawing to where MNIST's digits are: in a box of 20 x 20 pixels, their centre of mass in the middle. Pure. */
import { type Drawing, inkOf, type Point, RADIUS, SIDE } from '../shell/strokes';

const BOX = 20;
/** A dot is no digit: it becomes no disc. */
const SCALE = { least: 0.6, most: 1.8 };
/** The pen's line is as wide after it as before. */
const PEN = 2 * RADIUS.draw;

/** The same drawing in MNIST's place. One over a picture stays: the picture is in its place already. */
export function centred(drawing: Drawing): Drawing {
  if (drawing.picture) return drawing;
  const box = boxOf(inkOf(drawing));
  if (!box) return drawing;
  const fits = (BOX - PEN) / Math.max(box.extent - PEN, 1);
  const scale = Math.min(Math.max(fits, SCALE.least), SCALE.most);
  const scaled = moved(
    drawing,
    (v) => SIDE / 2 + scale * (v - box.middle.x),
    (v) => SIDE / 2 + scale * (v - box.middle.y),
    scale,
  );
  // Where the centre of mass is depends on the line's width, so it is looked for once more.
  const { x, y } = boxOf(inkOf(scaled))?.mass ?? { x: SIDE / 2, y: SIDE / 2 };
  return moved(
    scaled,
    (v) => v + SIDE / 2 - x,
    (v) => v + SIDE / 2 - y,
    1,
  );
}

function moved(
  { strokes }: Drawing,
  toX: (x: number) => number,
  toY: (y: number) => number,
  scale: number,
): Drawing {
  return {
    strokes: strokes.map(({ tool, radius, points }) => ({
      tool,
      radius: tool === 'draw' ? radius : radius * scale,
      points: points.map(({ x, y }) => ({ x: toX(x), y: toY(y) })),
    })),
  };
}

/** Of the inked pixels: the longer side of the box around them, its middle, and their centre of mass; undefined if there are none. */
function boxOf(ink: Float32Array): { extent: number; middle: Point; mass: Point } | undefined {
  let [left, right, top, bottom] = [SIDE, -1, SIDE, -1];
  let [sum, sumX, sumY] = [0, 0, 0];
  ink.forEach((value, at) => {
    const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
    sum += value;
    sumX += value * (x + 0.5);
    sumY += value * (y + 0.5);
    if (value < 0.5) return;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  if (right < 0) return undefined;
  return {
    extent: Math.max(right - left, bottom - top) + 1,
    middle: { x: (left + right + 1) / 2, y: (top + bottom + 1) / 2 },
    mass: { x: sumX / sum, y: sumY / sum },
  };
}
