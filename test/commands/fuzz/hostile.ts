/** Files that are well made and mean harm: what their metadata say is anything at all, and their checksum is right. */
import fc from 'fast-check';
import { seal } from '../../../src/weights/checksum';
import { encodeSafetensors } from '../../../src/weights/encode';
import { decodeSafetensors } from '../../../src/weights/safetensors';

/** Terminals obey some of these; others are long, or names that every object has. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    '\x1b]0;title\x07',
    '\x9b2J',
    '\r\x1b[K',
    '\u202e',
    '\ud800',
    '',
    '\n\n',
    'x'.repeat(10_000),
  ),
  fc.constantFrom(...'__proto__ constructor toString valueOf hasOwnProperty length then name'.split(' ')),
  fc.constantFrom(...'widths height kernelSize seed schedule steps floor cosine flow swish'.split(' ')),
);

const hostileNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.5, 1e300, 2 ** 31, 2 ** 32, 2 ** 53, 1e-300),
  fc.integer({ min: 0, max: 64 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const { value } = fc.letrec<{ value: unknown; list: unknown[]; object: object }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    hostileNumber,
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc
    .array(fc.tuple(hostileText, tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries(entries)),
}));

type Change = (json: unknown) => unknown;

/** Something inside replaced, taken away or added; or something else altogether. */
const change: fc.Arbitrary<Change> = fc.oneof(
  value.map(
    (other): Change =>
      () =>
        other,
  ),
  fc.tuple(fc.nat(), value).map(
    ([at, other]): Change =>
      (json) =>
        edited(json, at, (o, key) => put(o, key, other)),
  ),
  fc.nat().map(
    (at): Change =>
      (json) =>
        edited(json, at, (o, key) => void Reflect.deleteProperty(o, key)),
  ),
  fc.tuple(fc.nat(), hostileText, value).map(
    ([at, key, other]): Change =>
      (json) =>
        edited(json, at, (o) => put(o, key, other)),
  ),
);

/** Not an assignment, which `__proto__` would take for something else. JSON cannot say the length of a list. */
function put(object: object, key: string, value: unknown): void {
  if (Array.isArray(object) && key === 'length') return;
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A copy of `json` in which one place is edited; places within objects and lists count, too. */
function edited(json: unknown, at: number, edit: (object: object, key: string) => void): unknown {
  const copy = structuredClone(json);
  const places: [object, string][] = [];
  const visit = (here: unknown) => {
    if (typeof here !== 'object' || here === null) return;
    for (const [key, inside] of Object.entries(here)) {
      places.push([here, key]);
      visit(inside);
    }
  };
  visit(copy);
  if (places.length > 0) edit(...places[at % places.length]);
  return copy;
}

/** `file` with other metadata, sealed. */
export function hostile(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const { tensors, metadata } = decodeSafetensors(file);
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const keys = Object.keys(metadata).filter((key) => key !== 'crc32');
  const field = fc.oneof(
    {
      weight: 6,
      arbitrary: change.map((apply) => (text: string) => JSON.stringify(apply(parsed(text))) ?? ''),
    },
    { weight: 1, arbitrary: hostileText.map((other) => () => other) },
    { weight: 1, arbitrary: fc.constant(() => undefined) },
  );
  return fc
    .array(fc.tuple(fc.constantFrom(...keys), field), { minLength: 1, maxLength: 3 })
    .map((changes) => {
      const now: Record<string, string> = { ...metadata };
      for (const [key, apply] of changes) {
        const text = apply(now[key] ?? '');
        if (text === undefined) delete now[key];
        else now[key] = text;
      }
      const bytes = encodeSafetensors(named, now);
      seal(bytes);
      return bytes;
    });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
