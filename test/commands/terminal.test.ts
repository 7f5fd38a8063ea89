/** What terminals get and pipes do not: a bar that fits, and colours. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { inColour } from '../../harness/cli/colours';
import { ProgressLine, progressLine } from '../../harness/cli/progress';

beforeEach(() => void vi.stubEnv('NO_COLOR', ''));
afterEach(() => void vi.unstubAllEnvs());

/** A terminal of 80 columns, and all that is written to it. */
function terminal() {
  const written: string[] = [];
  const hasColors = () => !process.env.NO_COLOR;
  const stream = { isTTY: true, columns: 80, hasColors, write: (text: string) => written.push(text) };
  return { written, stream: stream as unknown as NodeJS.WriteStream };
}
const state = { done: 5, total: 20, text: 'loss 0.1', secondsLeft: 61 };
const rest = ' 25%  loss 0.1  1 min 1 s left';
const bar = (full: number, all: number) => `${'━'.repeat(full)}${'╌'.repeat(all - full)} `;

test.each([
  [undefined, state, rest],
  [79, state, bar(6, 24) + rest],
  [79, { ...state, done: 20, secondsLeft: undefined }, `${bar(24, 24)}100%  loss 0.1`],
])('in %s columns a line of progress has words alone, or a bar where there is room', (width, of, line) => {
  expect(progressLine(of, width)).toBe(line);
});

test('no line of progress is wider than the terminal, and the time left stays', () => {
  const text = 'epoch 11/12  step 1234  loss 0.0412  1,234 images/s';
  const training = { done: 1234, total: 16_440, text, secondsLeft: 754 };
  for (const width of [30, 40, 60, 79, 200]) {
    const line = progressLine(training, width);
    expect(line.length, line).toBeLessThanOrEqual(width);
    expect(line).toMatch(/ {2}13 min left$/);
  }
  expect(progressLine(training, 79)).toContain(text);
  expect(progressLine(training, 10)).toHaveLength(10);
});

test('a terminal gets colours, unless NO_COLOR asks for none; a pipe gets none', () => {
  const coloured = terminal();
  new ProgressLine(coloured.stream).update(state);
  expect(coloured.written.join('')).toContain('\x1b[36m━━━━━━\x1b[39m');
  expect(inColour('red', 'FAIL', coloured.stream)).toBe('\x1b[31mFAIL\x1b[39m');
  expect(inColour('red', 'FAIL', { write: () => true } as unknown as NodeJS.WriteStream)).toBe('FAIL');
  vi.stubEnv('NO_COLOR', '1');
  const plain = terminal();
  new ProgressLine(plain.stream).update(state);
  expect(plain.written.join('')).toBe(`\r\x1b[K${progressLine(state, 79)}`);
});

test('in a file each line of progress comes after twice the time of the one before it', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const written: string[] = [];
  const progress = new ProgressLine({
    write: (text: string) => written.push(text),
  } as unknown as NodeJS.WriteStream);
  const times: number[] = [];
  for (let second = 0; second < 3600; second++) {
    const { length } = written;
    progress.update(state);
    if (written.length > length) times.push(second);
    vi.advanceTimersByTime(1000);
  }
  vi.useRealTimers();
  expect(times).toEqual([0, 5, 15, 35, 75, 155, 315, 635, 1275, 2555]);
});
