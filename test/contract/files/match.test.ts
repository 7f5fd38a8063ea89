import { expect, test } from 'vitest';
import { checkTensors, type ExpectedTensor } from '../../../src/weights/match';
import type { Tensor } from '../../../src/weights/safetensors';
import { refused } from '../../lib/refused';

const expected: ExpectedTensor[] = [
  { name: 'down.0.kernel', shape: [5, 5, 1, 32] },
  { name: 'down.0.bias', shape: [32] },
  { name: 'step', shape: [] },
];

const zeros = (...shape: number[]): Tensor => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

/** What is expected, with some of it replaced, or left out where it is undefined. */
function given(changes: Record<string, Tensor | undefined> = {}): Map<string, Tensor> {
  const all: Record<string, Tensor | undefined> = {
    'down.0.kernel': zeros(5, 5, 1, 32),
    'down.0.bias': zeros(32),
    step: zeros(),
    ...changes,
  };
  return new Map(Object.entries(all).filter((entry): entry is [string, Tensor] => entry[1] !== undefined));
}

test('checkTensors takes exactly the expected tensors, in any order', () => {
  for (const tensors of [given(), new Map([...given()].reverse())])
    expect(checkTensors(expected, tensors, 'it')).toBeUndefined();
});

test.each<[Record<string, Tensor | undefined>, ...facts: string[]]>([
  [{ 'down.0.bias': undefined }, 'down.0.bias [32] is missing', '3 tensors expected, 2 given'],
  [{ 'up.9.bias': zeros(7) }, '"up.9.bias" [7] is not known'],
  [
    { 'down.0.kernel': zeros(3, 3, 1, 32) },
    ...['down.0.kernel has shape [3, 3, 1, 32], expected [5, 5, 1, 32]', 'kernel size'],
  ],
  // PyTorch's order.
  [{ 'down.0.kernel': zeros(32, 1, 5, 5) }, '[32, 1, 5, 5]', 'height, width, in, out'],
  [{ 'down.0.bias': zeros(1, 32) }, '[1, 32], expected [32]'],
  [{ 'down.0.bias': zeros(31) }, 'has shape [31], expected [32]'],
  [{ 'down.0.bias': { shape: [32], data: new Uint32Array(32) } }, 'is U32, expected F32'],
])('checkTensors names what is wrong: %#', async (changes, ...facts) => {
  const check = () => checkTensors(expected, given(changes), 'm.safetensors');
  await refused(check, 'data', 'm.safetensors', ...facts);
});

test('checkTensors names the first value that is not finite', async () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const data = new Float32Array(800);
    data[17] = bad;
    data[18] = bad;
    const run = () =>
      checkTensors(expected, given({ 'down.0.kernel': { shape: [5, 5, 1, 32], data } }), 'It');
    await refused(run, 'data', 'It', `down.0.kernel is not finite: value 17 of 800 is ${bad}`, 'diverged');
  }
});

test('checkTensors lists all that is wrong in one message, the first eight by name', async () => {
  const changes = {
    'down.0.bias': undefined,
    'down.0.kernel': { shape: [5, 5, 1, 32], data: new Float32Array(800).fill(NaN, 3) },
    extra: zeros(1),
  };
  await refused(
    () => checkTensors(expected, given(changes), 'It'),
    'data',
    '3 wrong:\n  down.0.kernel is not finite: value 3',
    '\n  down.0.bias [32] is missing',
    '\n  "extra" [1]',
    'Build the network',
  );
  const many = Array.from({ length: 20 }, (_, i) => ({ name: `t${i}`, shape: [1] }));
  await refused(
    () => checkTensors(many, new Map(), 'It'),
    'data',
    '20 wrong',
    '\n  t7 [1] is missing\n  and 12 more\n',
  );
});
