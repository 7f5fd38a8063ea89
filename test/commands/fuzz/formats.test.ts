/**
 * Whatever a reader is given, it reads or refuses: no foreign exception, no half of a file, no memory beyond what is there, and words that a
 * terminal can show. A few hundred cases for each format; `npm run test:all -- long` does the thousands.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { damaged } from './damage';
import { attempt, formats } from './formats';
import { hostile } from './hostile';

/** The same cases each time: a test that fails now and then is of no use. */
const options = { seed: 1, numRuns: 300 };

describe('a damaged file is refused or read whole', () => {
  test.each(formats)('$name', async (format) => {
    const seen = { loaded: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(damaged(format.files), async (bytes) => {
        seen[await attempt(format, bytes)]++;
      }),
      options,
    );
    expect(seen.refused).toBeGreaterThan(10);
    for (const file of format.files.slice(0, 1)) expect(await attempt(format, file)).toBe('loaded');
  });
});

describe('a file with any metadata is refused or read whole', () => {
  test.each(formats.filter(({ name }) => name === 'model' || name === 'checkpoint'))(
    '$name',
    async (format) => {
      const seen = { loaded: 0, refused: 0 };
      await fc.assert(
        fc.asyncProperty(hostile(format.files[0]), async (bytes) => {
          seen[await attempt(format, bytes)]++;
        }),
        options,
      );
      // Both happen, or nothing was tried.
      expect(seen.loaded).toBeGreaterThan(3);
      expect(seen.refused).toBeGreaterThan(30);
    },
  );
});
