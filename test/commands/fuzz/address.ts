/** Addresses of the page, and what must hold of each. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import {
  keys,
  parseQuery,
  type Settings,
  settings,
  settingText,
  toQuery,
} from '../../../harness/page/messages/settings';
import { hostileText } from './hostile';

const value = fc.oneof(
  hostileText,
  fc.constantFrom(
    '1',
    '256',
    '0',
    '-1',
    '1e3',
    '0.001',
    '3,3',
    '32,64,64',
    'digits',
    'train',
    'sample',
    'heun',
    '40',
    'all',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...keys) }, hostileText);
export const query = fc.oneof(
  fc
    .array(fc.tuple(name, value), { maxLength: 12 })
    // As well made as an address may be, or not even that.
    .chain((pairs) =>
      fc.constantFrom(new URLSearchParams(pairs).toString(), pairs.map((pair) => pair.join('=')).join('&')),
    ),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...'% %zz %ff%fe = &&& ? #'.split(' ')),
);

/** By hand, as the page's own checks are what is looked at. */
const bounds: { readonly [K in keyof Settings]?: readonly [number, number] } = {
  batch: [1, 8192],
  lr: [1e-6, 1],
  epochs: [1, 10_000],
  seed: [0, 2 ** 32 - 1],
  samples: [0, 256],
  steps: [0, 1000],
  across: [0, 100],
  down: [0, 100],
  count: [0, 256],
  guidance: [1, 4],
  budget: [5, 3600],
};

const legal = (found: Settings) =>
  Object.entries(bounds).every(([key, [min, max]]) => {
    const value = found[key as 'batch'];
    return value >= min && value <= max;
  }) &&
  found.widths.length <= 8 &&
  found.widths.every((width) => Number.isInteger(width) && width >= 1 && width <= 1024) &&
  keys.every((key) => settings[key].parse(settingText(key, found)) !== undefined);

/** Throws unless the page opens with legal settings, short notices, and an address that means the same. Whether anything was set. */
export function openAt(text: string): boolean {
  const { settings: found, notices } = parseQuery(`?${text}`);
  if (!legal(found)) throw new Error(`Not legal: ${JSON.stringify(found)}`);
  const long = notices.find((notice) => notice.length > 300);
  if (long) throw new Error(`A notice of ${long.length} letters: ${long}`);
  const own = toQuery(found);
  if (!isDeepStrictEqual(parseQuery(own), { settings: found, notices: [] }))
    throw new Error(`Not the same: ${own}`);
  return own !== '';
}
