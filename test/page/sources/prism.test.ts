/** Texts in colours, without a browser. */
import { expect, test, vi } from 'vitest';
import { coloured } from '../../../harness/page/sources/prism';

let tries = 0;
vi.mock('prismjs/components/prism-wgsl.js', () => {
  if (++tries === 1) throw new Error('No network for a test');
  return {};
});

test('the colours of a text are loaded again where that has failed, and only then', async () => {
  await expect(coloured()).rejects.toThrow();
  const colour = await coloured();
  expect(await coloured()).toBe(colour);
  expect(tries).toBe(2);
});
