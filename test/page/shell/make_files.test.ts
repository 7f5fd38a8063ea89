import { expect, test } from 'vitest';
import { orderQuery } from '../../../harness/page/make/share';
import type { Order } from '../../../harness/page/messages/messages';
import { fileName, runFileName } from '../../../harness/page/messages/order';
import { initialSettings } from '../../../harness/page/messages/settings';
import {
  beside,
  gridsNpy,
  stepPicture,
  trajectoryGif,
  trajectorySheet,
} from '../../../harness/page/shell/make_files';
import type { BytePicture } from '../../../harness/pictures/pictures';
import { DIGITS } from '../../../src/data/digits';

const order = {
  source: 'pretrained',
  steps: 20,
  count: 4,
  seed: 123,
  place: { across: 0, down: 0 },
  digit: 'all',
  text: '2026',
  guidance: 2,
  method: 'euler',
} as const;

test('the shared address makes the shown images, as many as they are', () => {
  const settings = { ...initialSettings, task: 'draw', calls: '40', across: 5.5, model: 'run' } as const;
  const shared = (text: string) => orderQuery({ ...settings, text: 'x' }, { ...order, text });
  expect(shared('2026')).toBe('?task=sample&calls=40&across=5.5&text=2026&autorun=1');
  expect(shared('')).toBe('?task=sample&calls=40&count=4&across=5.5&autorun=1');
});

const digits = { recipe: 'digits' } as const;
const faces = { recipe: 'pictures', data: 'ff2', classNames: ['happy', 'a bit/sad'] } as const;
const instant = { source: 'instant', steps: 2, place: { across: 50, down: 37.5 } } as const;

test.each<[Parameters<typeof fileName>[0], Partial<Order>, number | string, string]>([
  [digits, {}, 7, 'digits-2026-step-7-of-20-seed-123.x'],
  [digits, { text: '', digit: 7 }, 'all', 'digits-7-20-steps-seed-123.x'],
  [digits, { text: '' }, 21, 'digits-all-20-steps-polished-seed-123.x'],
  [digits, instant, 2, 'digits-instant-2026-step-2-of-2-seed-123-at-50-37.5.x'],
  [digits, {}, 'guidance-1-guidance-4', 'digits-2026-guidance-1-guidance-4-seed-123.x'],
  [{ recipe: 'tutorial' }, {}, 'all', 'tutorial-20-steps-seed-123.x'],
  [faces, { text: '', digit: 1 }, 'all', 'ff2-a-bit-sad-20-steps-seed-123.x'],
])(
  'a file of samples of %j, %j, is named after the settings that make it again',
  (network, given, step, name) => {
    expect(fileName(network, { ...order, ...given }, step, 'x')).toBe(name);
  },
);

/** Three images of 1 x 2 pixels, two in a row. */
const shape = { columns: 2, height: 1, width: 2, channels: 1 };
const frames = [
  { step: 1, x: new Uint8Array([1, 2, 3, 4, 5, 6]), prediction: new Uint8Array([10, 20, 30, 40, 50, 60]) },
  { step: 2, x: new Uint8Array([7, 8, 9, 10, 11, 12]), prediction: new Uint8Array([0, 0, 255, 255, 0, 255]) },
];

test('coloured samples stay coloured in PNG, GIF and .npy', async () => {
  const colours = { columns: 2, height: 1, width: 1, channels: 3 };
  const orange = '255,128,0';
  const teal = '0,128,128';
  const black = '0,0,0';
  const row = (...pixels: string[]) => Uint8Array.from(pixels.join().split(','), Number);
  const seen = [
    { step: 1, x: row(orange, black), prediction: row(teal, teal) },
    { step: 2, x: row(teal, black), prediction: row(orange, teal) },
  ];
  const grids = seen.map(({ x }) => x);
  const array = Buffer.from(gridsNpy(grids, colours));
  // As numpy.save writes it: \x93NUMPY, version 1.0, the length of the header, the header.
  expect(array.toString('latin1', 0, 8)).toBe('\x93NUMPY\x01\0');
  const start = 10 + array.readUInt16LE(8);
  expect(array.toString('latin1', 10, start).trimEnd()).toBe(
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 1, 1, 3,), }",
  );
  expect(start % 64).toBe(0);
  expect(array.subarray(start).join()).toEqual(grids.join());
  /** The colours but for white, each once, from left to right. */
  const found = ({ data, channels, width }: BytePicture) => {
    expect(channels).toBe(3);
    const line = data.subarray(3 * 5 * width, 3 * 6 * width).join();
    return [...new Set(line.match(/\d+,\d+,\d+/g))].filter((colour) => colour !== '255,255,255');
  };
  expect(found(stepPicture(seen[0], colours, 2))).toEqual([orange, black, teal]);
  expect(found(trajectorySheet(seen, colours))).toEqual([orange, black, teal]);
  // The palette of the first frame has these very colours.
  const gif = (await trajectoryGif(seen, colours)).join();
  for (const colour of [orange, black, teal]) expect(gif).toContain(colour);
});

test('two columns stand beside each other, and what a last row lacks is paper', () => {
  const one = Uint8Array.from([1, 2, 3, 4, 5, 6]);
  const other = Uint8Array.from([11, 12, 13, 14, 15, 16]);
  const rows = (channels: number, columns: number) => {
    const { width, height, data } = beside(one, other, { columns, height: 1, width: 1, channels });
    return { size: [width, height], seen: [...new Set(data)] };
  };
  // Three columns and two rows of 1 x 1 pixels, drawn as 4 x 4, with gaps of 4.
  expect(rows(1, 4).seen).toEqual([255, 254, 253, 252, 251, 244, 243, 242, 241, 250, 249, 240, 239]);
  const colours = rows(3, 1);
  expect(colours.seen.filter((value) => value === 0)).toEqual([]);
  expect(colours.seen).toEqual(expect.arrayContaining([255, 1, 6, 11, 16]));
});

test('the picture of a step has x beside the prediction, row by row, and of the last step the images alone', () => {
  const between = stepPicture(frames[0], shape, 2);
  // In the middle of each pixel of four by four, in each row: white paper minus ink.
  const row = (y: number, picture = between) =>
    [...picture.data.subarray(y * picture.width, (y + 1) * picture.width)].filter((v) => v < 255);
  expect([...new Set(row(5))]).toEqual([254, 253, 252, 251, 245, 235, 225, 215]);
  expect([...new Set(row(13))]).toEqual([250, 249, 205, 195]);
  // Also of the polish, which comes after the last step.
  for (const steps of [2, 1]) {
    const last = stepPicture(frames[1], shape, steps);
    expect(last.width).toBeLessThan(between.width);
    expect([...new Set(row(5, last))]).toEqual([0]);
  }
});

test.each([
  [DIGITS, 'digits'],
  ['…', 'digits'],
  ['Letters A to Z', 'letters-a-to-z'],
  ['../My: “cats” & dogs, all of the pictures', 'my-cats-dogs-all-of-the'],
])(
  'a file of a run on %s is named after its recipe, or after its images where they are no digits',
  (data, name) => {
    const given = { recipe: 'digits', seed: 7 } as const;
    expect(runFileName(given, data, 'model-step-20', 'safetensors')).toBe(
      `${name}-model-step-20-seed-7.safetensors`,
    );
  },
);
