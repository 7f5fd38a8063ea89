/** The page's address: whatever follows the question mark, the page opens with legal settings and says what it left out. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openAt, query } from './address';

test('the page opens at any address with legal settings, and names what it left out', () => {
  let set = 0;
  fc.assert(
    fc.property(query, (text) => {
      if (openAt(text)) set++;
    }),
    { seed: 1, numRuns: 500 },
  );
  expect(set).toBeGreaterThan(20);
});
