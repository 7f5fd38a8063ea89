/** The question that a drawing and the settings beside it put to the network, or why there is none: moved and scaled to where MNIST's digits are. Pure. */

import { type Drawing, drawInk, drawMask, isEmpty, type Point, RADIUS, SIDE } from '../../pictures/strokes';
import type { DrawOrder, ModelDescription } from '../messages/messages';
import type { NetworkSource, Settings } from '../messages/settings';

export interface DrawQuestion {
  /** The ink as the network sees it. */
  readonly image: Float32Array<ArrayBuffer>;
  readonly order?: DrawOrder;
  /** The reason that there is no order. */
  readonly why?: string;
}

export function makeQuestion(
  drawing: Drawing,
  {
    ask,
    level,
    drawnClass: digit,
    guidance,
    noise: seed,
  }: Pick<Settings, 'ask' | 'level' | 'drawnClass' | 'guidance' | 'noise'>,
  source: NetworkSource,
): DrawQuestion {
  const seen = centred(drawing);
  const image = drawInk(seen);
  if (isEmpty(image))
    return {
      image,
      why: 'Nothing is drawn yet. Draw a digit in the field, or begin with one of the digits.',
    };
  const common = { source, image, seed };
  const sampled = { ...common, digit, guidance, rough: true };
  if (ask === 'classify') return { image, order: { ...common, ask } };
  if (ask === 'denoise') {
    if (level === 0)
      return { image, why: 'At 0 % there is no noise to take away. Move the slider to the right.' };
    return { image, order: { ...sampled, ask, level: level / 100 } };
  }
  const mask = drawMask(seen);
  if (isEmpty(mask))
    return {
      image,
      why: 'Nothing is masked yet. Choose Mask, and brush over the part that the network should fill in.',
    };
  return { image, order: { ...sampled, ask, mask } };
}

/** The reason that a network cannot answer questions about drawings; undefined if it can. */
export function unfit({
  recipe,
  classes,
  height,
  width,
  channels,
}: Omit<ModelDescription, 'name'>): string | undefined {
  if (recipe === 'tutorial')
    return 'A network of the recipe tutorial does not take a noise level, so it cannot start at the one that you choose.';
  if (channels !== 1) return 'It makes colours; drawings are grey.';
  if (height !== SIDE || width !== SIDE)
    return `Its images are ${height} x ${width} pixels; drawings are ${SIDE} x ${SIDE}.`;
  return classes > 0 ? undefined : 'It was trained without classes.';
}

// ---------------------------------------------------------------- where the drawing is put

const BOX = 20;
/** A dot is no digit: it becomes no disc. */
const SCALE = { least: 0.6, most: 1.8 };
/** The pen's line is as wide after it as before. */
const PEN = 2 * RADIUS.draw;

/** The same drawing in MNIST's place. One over a picture stays: the picture is in its place already. */
export function centred(drawing: Drawing): Drawing {
  if (drawing.picture) return drawing;
  const box = boxOf(drawInk(drawing));
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
  const { x, y } = boxOf(drawInk(scaled))?.mass ?? { x: SIDE / 2, y: SIDE / 2 };
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

/** The longer side and the middle of the box around the inked pixels, and their centre of mass; undefined if there are none. */
function boxOf(ink: Float32Array): { extent: number; middle: Point; mass: Point } | undefined {
  let left = SIDE;
  let right = -1;
  let top = SIDE;
  let bottom = -1;
  let sum = 0;
  let sumX = 0;
  let sumY = 0;
  ink.forEach((value, at) => {
    const x = at % SIDE;
    const y = Math.floor(at / SIDE);
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
