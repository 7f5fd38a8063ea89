/**
 * Makes small colour images for training: `npm run shapes -- --out FOLDER` writes 20,000 images of 32x32 pixels, each a coloured shape that
 * its label names, as IDX files of images (four dimensions) and labels, and classes.txt with the names. The output is a function of the
 * seed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threefry, uniform } from '../../src/base/random';
import { integer, readFlags, text, UsageError } from '../cli/args';

const SIDE = 32;
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

/** `count` images as bytes [count][32][32][3], and their classes. */
export function makeShapes(count: number, seed: number): { images: Uint8Array; labels: Uint8Array } {
  const images = new Uint8Array(count * SIDE * SIDE * 3);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const random = [0, 1, 2, 3].flatMap((k) => threefry(seed, 0, i, k)).map(uniform);
    const label = Math.floor(random[0] * classes.length);
    const [colour, shape] = classes[label].split(' ') as [keyof typeof COLOURS, string];
    labels[i] = label;
    draw(images.subarray(i * SIDE * SIDE * 3), COLOURS[colour], SHAPES[shape], random.slice(1));
  }
  return { images, labels };
}

/** Draws a shape of random size and rotation on a random light grey, wholly inside the image. */
function draw(
  pixels: Uint8Array,
  colour: readonly number[],
  inside: (x: number, y: number) => boolean,
  [size, left, top, turn, grey]: readonly number[],
): void {
  const radius = 6 + 6 * size;
  const centre = [left, top].map((v) => radius + v * (SIDE - 2 * radius));
  const angle = (turn - 0.5) * 0.8;
  const paper = 200 + 50 * grey;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
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
        pixels[(y * SIDE + x) * 3 + c] = Math.round(paper + share * (ink - paper));
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
  summary: 'Writes pictures of coloured shapes to train on.',
  usage: '--out FOLDER',
  flags: {
    out: text('FOLDER', 'folder of the files'),
    count: integer('N', 'number of pictures (default 20000)', 1, 1_000_000),
    seed: integer('N', 'fixes the pictures (default 1)', 0, 2 ** 32 - 1),
  },
};

export async function main(args: readonly string[]): Promise<number> {
  try {
    const given = readFlags({ ...command, run: async () => 0 }, args);
    if ('help' in given || !given.out) {
      const usage = 'npm run shapes -- --out FOLDER [--count 20000] [--seed 1]';
      ('help' in given ? console.log : console.error)(usage);
      return 'help' in given ? 0 : 2;
    }
    const { out, count = 20_000, seed = 1 } = given;
    const { images, labels } = makeShapes(count, seed);
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, 'shapes-images-idx4-ubyte'), idx([count, SIDE, SIDE, 3], images));
    writeFileSync(join(out, 'shapes-labels-idx1-ubyte'), idx([count], labels));
    writeFileSync(join(out, 'classes.txt'), classes.map((name, i) => `${i} ${name}\n`).join(''));
    console.log(`${count} pictures of ${classes.length} classes in ${out}`);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
}
