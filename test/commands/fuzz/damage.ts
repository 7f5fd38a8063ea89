/** Damaged copies of good files. */
import fc from 'fast-check';

/** Headers are where a change tells. */
const HEAD = 100;

const place = fc.oneof({ weight: 7, arbitrary: fc.nat(HEAD) }, { weight: 3, arbitrary: fc.nat() });
/** Extremes more than other bytes, and what JSON is made of. */
const byte = fc.oneof(fc.constantFrom(0, 0xff, 0x7f, 0x80, 0x30, 0x2d, 0x22, 0x5d), fc.nat(255));

type Edit = (bytes: Uint8Array) => Uint8Array;

const changed = (bytes: Uint8Array, at: number, change: (value: number) => number) =>
  bytes.map((value, i) => (i === at % bytes.length ? change(value) : value));
const edits = <T extends unknown[]>(
  given: { [K in keyof T]: fc.Arbitrary<T[K]> },
  make: (...of: T) => Edit,
) => fc.tuple(...given).map((of) => make(...(of as unknown as T)));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: edits([place, byte], (at, value) => (b) => changed(b, at, () => value)) },
  {
    weight: 3,
    arbitrary: edits([place, fc.nat(7)], (at, bit) => (b) => changed(b, at, (v) => v ^ (1 << bit))),
  },
  edits([fc.nat()], (at) => (b) => b.slice(0, at % (b.length + 1))),
  edits([fc.uint8Array({ minLength: 1, maxLength: 20 })], (more) => (b) => Uint8Array.of(...b, ...more)),
  edits([place, place, fc.nat(64)], (to, from, length) => (b) => {
    const start = from % (b.length + 1);
    return b.slice().copyWithin(to % (b.length + 1), start, start + length);
  }),
);

/** One of `files` after up to four edits: a byte or a bit changed, the end cut off, bytes added, a stretch moved. */
export const damaged = (files: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.constantFrom(...files), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([bytes, edits]) => edits.reduce((now, apply) => apply(now), bytes));

/** As Node reads files: a Buffer, which may begin anywhere in memory that it shares. */
export function asBuffer(bytes: Uint8Array): Buffer {
  const before = bytes.length % 8;
  return Buffer.concat([Buffer.alloc(before, 0xaa), bytes, Buffer.alloc(3, 0xaa)]).subarray(
    before,
    before + bytes.length,
  );
}
