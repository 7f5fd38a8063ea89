import { expect, test } from 'vitest';
import { fileName, stepPicture, trajectoryNpy } from '../../harness/page/make_files';

const order = {
  source: 'pretrained',
  steps: 20,
  count: 4,
  seed: 123,
  digit: 'all',
  text: '2026',
  guidance: 2,
  method: 'euler',
} as const;

test('a file is named after what it takes to make it again', () => {
  expect(fileName('digits', order, 7, 'png')).toBe('digits-2026-step-7-of-20-seed-123.png');
  expect(fileName('digits', { ...order, text: '', digit: 7 }, 'all', 'gif')).toBe(
    'digits-7-20-steps-seed-123.gif',
  );
  expect(fileName('digits', { ...order, text: '' }, 20, 'png')).toBe('digits-all-step-20-of-20-seed-123.png');
  expect(fileName('tutorial', order, 'all', 'npy')).toBe('tutorial-20-steps-seed-123.npy');
});

/** Three images of 1 x 2 pixels, two in a row. */
const shape = { columns: 2, height: 1, width: 2 };
const frames = [
  { step: 1, x: new Uint8Array([1, 2, 3, 4, 5, 6]), prediction: new Uint8Array([10, 20, 30, 40, 50, 60]) },
  { step: 2, x: new Uint8Array([7, 8, 9, 10, 11, 12]), prediction: new Uint8Array([0, 0, 255, 255, 0, 255]) },
];

test('numbers are those of NumPy: x before each step, and the images', () => {
  const bytes = trajectoryNpy(frames, shape);
  const view = new DataView(bytes.buffer);
  expect([...bytes.subarray(0, 8)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  const start = 10 + view.getUint16(8, true);
  expect(start % 64).toBe(0);
  const head = new TextDecoder().decode(bytes.subarray(10, start));
  expect(head).toMatch(/^\{'descr': '\|u1', 'fortran_order': False, 'shape': \(3, 3, 1, 2,\), \} *\n$/);
  expect([...bytes.subarray(start)]).toEqual([
    ...[1, 2, 3, 4, 5, 6],
    ...[7, 8, 9, 10, 11, 12],
    ...[0, 0, 255, 255, 0, 255],
  ]);
});

test('a step is x beside the prediction, row by row; the last one is the images alone', () => {
  const between = stepPicture(frames[0], shape, false);
  // In the middle of each pixel of four by four, in each row: white paper minus ink.
  const row = (y: number, picture = between) =>
    [...picture.data.subarray(y * picture.width, (y + 1) * picture.width)].filter((v) => v < 255);
  expect([...new Set(row(5))]).toEqual([254, 253, 252, 251, 245, 235, 225, 215]);
  expect([...new Set(row(13))]).toEqual([250, 249, 205, 195]);
  const last = stepPicture(frames[1], shape, true);
  expect(last.width).toBeLessThan(between.width);
  expect([...new Set(row(5, last))]).toEqual([0]);
});
