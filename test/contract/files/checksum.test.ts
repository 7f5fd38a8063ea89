/** A file that loads is the file that was saved. */
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { seal } from '../../../src/weights/checksum';
import { encodeSafetensors } from '../../../src/weights/encode';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { asBuffer } from '../../commands/fuzz/damage';
import { flippedBits } from '../../commands/fuzz/flips';
import { withoutChecksum } from '../../commands/fuzz/formats';
import { refused } from '../../lib/refused';
import { checkpoint, config, model } from '../../lib/small_files';

const digits = (file: Uint8Array) => new TextDecoder().decode(file.subarray(34, 42));

/** The file's tensors and metadata, as another program would write them. */
function rewritten(file: Uint8Array, change: (metadata: Record<string, string>) => Record<string, string>) {
  const { tensors, metadata } = decodeSafetensors(file);
  return encodeSafetensors(
    [...tensors].map(([name, tensor]) => ({ name, ...tensor })),
    change(metadata),
  );
}

test.each([
  ['model', model],
  ['checkpoint', checkpoint],
])('the checksum of a %s is as documented', (_, file) => {
  const zeros = file.slice();
  zeros.set(
    [...'00000000'].map((zero) => zero.charCodeAt(0)),
    34,
  );
  expect(digits(file)).toBe(crc32(zeros).toString(16).padStart(8, '0'));
  expect(decodeSafetensors(file).metadata.crc32).toBe(digits(file));
});

test('a checksum that begins with a zero is written with all eight digits', () => {
  let saved = model;
  for (let i = 0; digits(saved)[0] !== '0'; i++) {
    saved = rewritten(model, (metadata) => ({ ...metadata, i: String(i) }));
    seal(saved);
  }
  expect(loadModel(saved).parameters.size).toBe(8);
});

test('every flipped bit of a model is noticed', () => {
  expect(flippedBits(model, loadModel, 8 * model.length)).toBe(8 * model.length);
});

test('no flipped bit turns a model into a file of another program that loads', () => {
  const load = (bytes: Uint8Array) => loadModel(bytes, 'it', { config });
  expect(flippedBits(model, load, 8 * model.length)).toBe(8 * model.length);
  const renamed = rewritten(model, (metadata) => ({ ...metadata, format: 'pt' }));
  expect(() => load(renamed)).toThrow('it has a checksum of webgpu-diffusion, and the format "pt"');
});

test('every 23rd flipped bit of a checkpoint is noticed', () => {
  const count = Math.floor((8 * checkpoint.length) / 23);
  expect(flippedBits(checkpoint, loadCheckpoint, count)).toBe(count);
});

test('a file that was changed by hand or by another program is refused, and the error says so', async () => {
  const facts = ['the/file', 'not as it was saved', `"${digits(model)}"`, 'version 1'];
  const other = rewritten(model, (metadata) => ({ ...metadata, note: 'mine' }));
  await refused(() => loadModel(other, 'the/file'), 'data', ...facts);
  // The same in another order is not the same file.
  const moved = rewritten(model, ({ crc32: sum, ...rest }) => ({ ...rest, crc32: sum }));
  await refused(() => loadModel(moved, 'the/file'), 'data', ...facts);
});

test('a file without a checksum loads, with a note, only if it has format version 1', async () => {
  for (const [load, file] of [
    [loadModel, model],
    [loadCheckpoint, checkpoint],
  ] as const) {
    expect(load(file).note).toBeUndefined();
    const { note, ...old } = load(withoutChecksum(file), 'the/file');
    expect(note).toMatch(/^the\/file is of version 1 .* no checksum/);
    expect(old).toEqual(load(file));
    const lost = rewritten(file, ({ crc32: _, ...rest }) => rest);
    await refused(() => load(lost, 'the/file'), 'data', 'the/file has lost its checksum');
  }
});

test('the note on a missing checksum shows nothing raw of the file’s name', () => {
  expect(loadModel(withoutChecksum(model), '\x1b[2J').note).toMatch(/^\\u\{1b\}\[2J is of version 1/);
});

describe('a checkpoint loads from any byte container:', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(checkpoint.length));
  shared.set(checkpoint);
  const growing = new Uint8Array(
    // @ts-expect-error: TypeScript knows these from ES2024 on.
    new ArrayBuffer(checkpoint.length, { maxByteLength: 2 * checkpoint.length }),
  );
  growing.set(checkpoint);
  const buffer = asBuffer(checkpoint);
  test.each<[string, Parameters<typeof loadCheckpoint>[0]]>([
    ['Buffer', buffer],
    ['Buffer with memory of its own', Buffer.from(checkpoint)],
    ['ArrayBuffer', checkpoint.buffer],
    ['SharedArrayBuffer', shared.buffer],
    ['Uint8Array of shared memory', shared],
    ['Uint8Array of memory that can grow', growing],
    ['DataView', new DataView(buffer.buffer, buffer.byteOffset, buffer.length)],
    ['Uint8ClampedArray', new Uint8ClampedArray(checkpoint)],
  ])('%s', (_, given) => {
    expect(loadCheckpoint(given)).toEqual(loadCheckpoint(checkpoint));
  });
});
