/** What terminals get and pipes do not: a bar that fits, and colours. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { paint } from '../../harness/cli/colours';
import { Progress, progressLine } from '../../harness/cli/progress';
import { isForeign } from '../../harness/cli/quiet';

beforeEach(() => void vi.stubEnv('NO_COLOR', ''));
afterEach(() => void vi.unstubAllEnvs());

/** A terminal of that many columns, and all that is written to it. */
function terminal(columns: number) {
  const written: string[] = [];
  const hasColors = () => !process.env.NO_COLOR;
  const stream = { isTTY: true, columns, hasColors, write: (text: string) => written.push(text) };
  return { written, stream: stream as unknown as NodeJS.WriteStream };
}

const state = { done: 5, total: 20, text: 'loss 0.1', secondsLeft: 61 };
const training = {
  done: 1234,
  total: 16_440,
  text: 'epoch 11/12  step 1234  loss 0.0412  1,234 images/s',
  secondsLeft: 754,
};

test('a line of progress has words alone, or a bar where there is room', () => {
  expect(progressLine(state)).toBe(' 25%  loss 0.1  1 min 1 s left');
  expect(progressLine({ ...state, done: 20, secondsLeft: undefined }, 79)).toBe(
    `${'━'.repeat(24)} 100%  loss 0.1`,
  );
  expect(progressLine(state, 79)).toBe(`${'━'.repeat(6)}${'╌'.repeat(18)}  25%  loss 0.1  1 min 1 s left`);
  expect(progressLine(state, 40)).toBe(`${'━'.repeat(2)}${'╌'.repeat(7)}  25%  loss 0.1  1 min 1 s left`);
  expect(progressLine(state, 34)).toBe(' 25%  loss 0.1  1 min 1 s left');
});

test('no line of progress is wider than the terminal, and the time left stays', () => {
  for (const width of [30, 40, 60, 79, 200]) {
    const line = progressLine(training, width);
    expect(line.length, line).toBeLessThanOrEqual(width);
    expect(line, line).toMatch(/ {2}13 min left$/);
  }
  expect(progressLine(training, 79)).toContain(training.text);
  expect(progressLine(training, 10).length).toBe(10);
});

test('on a terminal the progress bar has colours, unless NO_COLOR asks for none', () => {
  const { written, stream } = terminal(80);
  new Progress(stream).update(state);
  expect(written.join('')).toContain('\x1b[36m━━━━━━\x1b[39m');
  vi.stubEnv('NO_COLOR', '1');
  const plain = terminal(80);
  new Progress(plain.stream).update(state);
  expect(plain.written.join('')).toBe(`\r\x1b[K${progressLine(state, 79)}`);
});

test('output that goes to no terminal has no colours', () => {
  const stream = { write: () => true } as unknown as NodeJS.WriteStream;
  expect(paint('red', 'FAIL', stream)).toBe('FAIL');
  expect(paint('red', 'FAIL', terminal(80).stream)).toBe('\x1b[31mFAIL\x1b[39m');
});

test("Dawn's warnings of its limits are left out of the error output", () => {
  const warning = (kind: string) =>
    `Warning: maxDynamic${kind}BuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.`;
  expect(['Uniform', 'Storage'].map(warning).every(isForeign)).toBe(true);
  expect(isForeign('Warning: the device was lost')).toBe(false);
});
