/** The texts of an open row, and their colours, where they cannot be loaded at first. No browser. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { showSources } from '../../../harness/page/sources/sources';
import { madeElements, type StandIn, standIns } from '../../lib/page/stand_ins';
import { until } from '../../lib/until';

let tries = 0;
vi.mock('../../../harness/page/sources/source_text', () => {
  const text = async (file: string) => ({ file, code: 'code' });
  const referenceSource = async (kernel: string) => {
    if (++tries === 1) throw new Error('Failed to fetch it');
    return text(kernel);
  };
  return { referenceSource, shaderSource: text };
});

let made: StandIn[];
/** All words that have been shown. */
const words = () => made.map(({ textContent }) => textContent);

beforeEach(() => {
  standIns('?task=check');
  made = madeElements();
});
afterEach(() => vi.unstubAllGlobals());

test('texts that could not be loaded are loaded at another press', async () => {
  showSources('swish', ['swish']);
  await until(() => words().includes('The sources cannot be shown: Failed to fetch it'));
  made.find(({ textContent }) => textContent === 'Try again')!.click();
  await until(() => words().includes('What it must compute, in 64 bits'));
  expect(tries).toBe(2);
});
