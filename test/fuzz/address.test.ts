/** The page's address: whatever follows the question mark, the page opens with legal settings and says what it left out. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keys, parseQuery, type Settings, settings, show, toQuery } from '../../harness/page/settings';
import { hostileText } from './hostile';

const options = { seed: 1, numRuns: 500 };

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
    'all',
    ' 7 ',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...keys) }, hostileText);
const query = fc.oneof(
  fc
    .array(fc.tuple(name, value), { maxLength: 12 })
    // As well made as an address may be, or not even that.
    .chain((pairs) =>
      fc.constantFrom(new URLSearchParams(pairs).toString(), pairs.map((pair) => pair.join('=')).join('&')),
    ),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('%', '%zz', '%ff%fe', '=', '&&&', '?', '#'),
);

/** Whether every setting is one that its field would take. */
const legal = (found: Settings) => keys.every((key) => settings[key].parse(show(key, found)) !== undefined);

test('any address gives legal settings, short notices, and an address that means the same', () => {
  let set = 0;
  fc.assert(
    fc.property(query, (text) => {
      const { settings: found, notices } = parseQuery(`?${text}`);
      if (!legal(found)) throw new Error(`not legal: ${JSON.stringify(found)}`);
      for (const notice of notices) {
        if (notice.length > 300) throw new Error(`a notice of ${notice.length} letters: ${notice}`);
      }
      const again = parseQuery(toQuery(found));
      expect(again).toEqual({ settings: found, notices: [] });
      if (toQuery(found) !== '') set++;
    }),
    options,
  );
  expect(set).toBeGreaterThan(20);
});
