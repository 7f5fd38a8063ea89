import { expect, test } from 'vitest';
import { crossed } from '../../../src/worker/transfer';

test.each([
  [{ weird: 1 }, '{"weird":1}'],
  [undefined, 'undefined'],
  [3, '3'],
])('%j, thrown in the worker, arrives as an error with its text', (thrown, message) => {
  expect(crossed(thrown)).toEqual({ name: 'Error', message });
});
