/**
 * Makes small colour images for training: `npm run shapes -- --out FOLDER` writes 20,000 images of 32x32 pixels, each a coloured shape that
 * its label names, as packed IDX files of images (four dimensions) and labels, and classes.txt with the names. `--few` writes `FEW` images:
 * `npm run shapes -- --few --out test/lib/shapes` has made the set in which tests train. IDX is smaller than 600 PNG files. The output is a function of the seed.
 */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { EngineError } from '../../src/base/errors';
import { threefry, uniform } from '../../src/base/random';
import { integer, readFlags, text, toggle, UsageError } from '../cli/args';
import { prepareFolder, writeWhole } from '../cli/files';
import { CLASS_NAMES_FILE } from '../pictures/own_images';

const SIDE = 32;
/** The set of the tests: one shape for each colour. */
export const FEW = {
  count: 600,
  side: 24,
  classes: ['red circle', 'green square', 'blue triangle', 'yellow star'],
};
/** A pixel is the mean of this many samples in each direction. */
const SAMPLES = 4;

const COLOURS = {
  red: [214, 48, 49],
  green: [38, 166, 91],
  blue: [41, 98, 217],
  yellow: [241, 196, 15],
} as const;

/** Whether a point lies inside a shape of radius 1 around the origin. */
const SHAPES: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  circle: (x, y) => x * x + y * y < 0.81,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.75,
  triangle: (x, y) => y < 0.5 && y > Math.sqrt(3) * Math.abs(x) - 1,
  star: (x, y) => {
    // Between the radii of two neighbouring corners, the edge is a straight line.
    const angle = (Math.atan2(x, -y) + 2 * Math.PI) % ((2 * Math.PI) / 5);
    const fold = Math.abs(angle - Math.PI / 5);
    const inner = 0.42;
    const edge = (inner * Math.sin(Math.PI / 5)) / (Math.sin(fold) + inner * Math.sin(Math.PI / 5 - fold));
    return Math.hypot(x, y) < edge;
  },
};

/** Names by class, such as `red circle`. */
export const classes = Object.keys(COLOURS).flatMap((colour) =>
  Object.keys(SHAPES).map((shape) => `${colour} ${shape}`),
);

/** `count` images as bytes [count][side][side][3], and their classes as places in `names`. */
export function makeShapes(
  count: number,
  seed: number,
  side = SIDE,
  names: readonly string[] = classes,
): { images: Uint8Array; labels: Uint8Array } {
  const images = new Uint8Array(count * side * side * 3);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const random = [0, 1, 2, 3].flatMap((k) => threefry(seed, 0, i, k)).map(uniform);
    const label = Math.floor(random[0] * names.length);
    const [colour, shape] = names[label].split(' ') as [keyof typeof COLOURS, string];
    labels[i] = label;
    draw(images.subarray(i * side * side * 3), side, COLOURS[colour], SHAPES[shape], random.slice(1));
  }
  return { images, labels };
}

/** Draws a shape of random size and rotation on a random light grey, wholly inside the image. */
function draw(
  pixels: Uint8Array,
  side: number,
  colour: readonly number[],
  inside: (x: number, y: number) => boolean,
  [size, left, top, turn, grey]: readonly number[],
): void {
  const radius = (side * 3 * (1 + size)) / 16;
  const centre = [left, top].map((v) => radius + v * (side - 2 * radius));
  const angle = (turn - 0.5) * 0.8;
  const paper = 200 + 50 * grey;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let share = 0;
      for (let k = 0; k < SAMPLES ** 2; k++) {
        const u = (x + ((k % SAMPLES) + 0.5) / SAMPLES - centre[0]) / radius;
        const v = (y + (Math.floor(k / SAMPLES) + 0.5) / SAMPLES - centre[1]) / radius;
        const turned = [
          u * Math.cos(angle) + v * Math.sin(angle),
          v * Math.cos(angle) - u * Math.sin(angle),
        ] as const;
        if (inside(...turned)) share += 1 / SAMPLES ** 2;
      }
      for (const [c, ink] of colour.entries())
        pixels[(y * side + x) * 3 + c] = Math.round(paper + share * (ink - paper));
    }
  }
}

/** Encodes an IDX file of bytes. */
function idx(sizes: readonly number[], values: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * sizes.length + values.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x800 | sizes.length);
  for (const [i, size] of sizes.entries()) view.setUint32(4 + 4 * i, size);
  bytes.set(values, 4 + 4 * sizes.length);
  return bytes;
}

const command = {
  name: 'shapes',
  flags: {
    out: text('FOLDER', 'folder of the files'),
    count: integer('N', 'number of pictures (default 20000)', 1, 1_000_000),
    seed: integer('N', 'fixes the pictures (default 1)', 0, 2 ** 32 - 1),
    few: toggle(`${FEW.count} pictures of ${FEW.side}x${FEW.side} pixels, of ${FEW.classes.length} classes`),
  },
};

export async function main(args: readonly string[]): Promise<number> {
  try {
    const given = readFlags(command, args);
    if ('help' in given || !given.out) {
      const usage = 'npm run shapes -- --out FOLDER [--few | --count 20000] [--seed 1]';
      ('help' in given ? console.log : console.error)(usage);
      return 'help' in given ? 0 : 2;
    }
    const { out, seed = 1 } = given;
    if (given.few && given.count !== undefined)
      throw new UsageError(
        `--few makes ${FEW.count} pictures, so --count says nothing; leave one of the two out.`,
      );
    const {
      count,
      side,
      classes: names,
    } = given.few ? FEW : { count: given.count ?? 20_000, side: SIDE, classes };
    await prepareFolder(out);
    const { images, labels } = makeShapes(count, seed, side, names);
    const write = (name: string, bytes: Uint8Array) =>
      writeWhole(join(out, `shapes-${name}-ubyte.gz`), gzipSync(bytes, { level: 9 }));
    await write('images-idx4', idx([count, side, side, 3], images));
    await write('labels-idx1', idx([count], labels));
    await writeWhole(join(out, CLASS_NAMES_FILE), names.map((name) => `${name}\n`).join(''));
    console.log(`${count} pictures of ${names.length} classes in ${out}`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof EngineError)) throw error;
    console.error(error.message);
    return error instanceof UsageError ? 2 : 1;
  }
}
