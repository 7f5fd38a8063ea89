/** The pure parts of the Draw view: strokes, where a drawing is put, what is asked about it, and when. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { rankClasses, verdict } from '../../../harness/page/draw/draw_answers';
import { DrawHistory } from '../../../harness/page/draw/draw_paper';
import { centred, makeQuestion, unfit } from '../../../harness/page/draw/draw_question';
import { refined, samplingOfDrawing } from '../../../harness/page/messages/order';
import { initialSettings } from '../../../harness/page/messages/settings';
import { Latest } from '../../../harness/page/shell/latest';
import {
  type Drawing,
  drawInk,
  drawMask,
  isEmpty,
  nothing,
  type Point,
  RADIUS,
  SIDE,
  type Tool,
} from '../../../harness/pictures/strokes';
import { recipes } from '../../../src/recipes';

const stroke = (tool: Tool, ...points: [number, number][]) => ({
  tool,
  radius: RADIUS[tool],
  points: points.map(([x, y]): Point => ({ x, y })),
});
const drawn = (...strokes: ReturnType<typeof stroke>[]): Drawing => ({ strokes });
const at = (values: Float32Array, x: number, y: number) => values[y * SIDE + x];

describe('the ink of a drawing', () => {
  test('makes a line three pixels wide with soft edges, which ends where the stroke ends', () => {
    const ink = drawInk(drawn(stroke('draw', [14.5, 5.5], [14.5, 20.5])));
    expect([12, 13, 14, 15, 16].map((x) => Number(at(ink, x, 10).toFixed(2)))).toEqual([0, 0.6, 1, 0.6, 0]);
    expect([3, 4, 21, 22].map((y) => Number(at(ink, 14, y).toFixed(2)))).toEqual([0, 0.6, 0.6, 0]);
  });

  test('is no darker where lines cross, goes where it is erased, and ends at the edge of the field', () => {
    const cross = [stroke('draw', [5, 14], [23, 14]), stroke('draw', [14, 5], [14, 40])];
    expect(Math.max(...drawInk(drawn(...cross)))).toBe(1);
    const erased = drawInk(drawn(...cross, stroke('erase', [14, 14])));
    expect([at(erased, 14, 14), at(erased, 8, 14), at(erased, 14, 27)]).toEqual([0, 1, 1]);
  });

  test('covers the picture under it, and a mask adds none', () => {
    const picture = new Uint8Array(SIDE * SIDE).fill(51);
    const drawing = { picture, strokes: [stroke('draw', [2, 2]), stroke('mask', [20, 20])] };
    const ink = drawInk(drawing);
    expect([at(ink, 1, 1), at(ink, 20, 20)]).toEqual([expect.closeTo(0.893, 2), expect.closeTo(0.2, 5)]);
    const mask = drawMask(drawing);
    expect([at(mask, 20, 20), at(mask, 1, 1)]).toEqual([1, 0]);
    expect(isEmpty(drawMask(nothing)) && isEmpty(drawInk(nothing))).toBe(true);
  });
});

describe('a centred drawing', () => {
  const massOf = (ink: Float32Array) => {
    let sum = 0;
    let x = 0;
    let y = 0;
    ink.forEach((v, i) => {
      sum += v;
      x += v * ((i % SIDE) + 0.5);
      y += v * (Math.floor(i / SIDE) + 0.5);
    });
    return [x / sum, y / sum];
  };

  test('is 20 pixels tall with its centre of mass in the middle, in lines of the same width', () => {
    const small = drawn(stroke('draw', [3, 2], [3, 15], [6, 15]));
    const ink = drawInk(centred(small));
    for (const v of massOf(ink)) expect(v).toBeCloseTo(14, 1);
    const rows = Array.from({ length: SIDE }, (_, y) =>
      ink.slice(y * SIDE, (y + 1) * SIDE).some((v) => v > 0.5),
    );
    expect(rows.filter(Boolean).length).toBeGreaterThanOrEqual(19);
    expect(rows.filter(Boolean).length).toBeLessThanOrEqual(21);
    // Of the upright line, all of the ink in a row.
    expect(ink.slice(10 * SIDE, 11 * SIDE).reduce((sum, v) => sum + v, 0)).toBeCloseTo(2 * RADIUS.draw, 1);
  });
});

test('a drawing can be undone, stroke by stroke', () => {
  const history = new DrawHistory();
  expect(history.canUndo).toBe(false);
  history.begin('draw', { x: 1, y: 1 });
  history.extend({ x: 2, y: 2 });
  history.begin('mask', { x: 3, y: 3 });
  expect(history.current.strokes.map(({ points }) => points.length)).toEqual([2, 1]);
  history.put(nothing);
  history.undo();
  history.undo();
  expect(history.current.strokes.map(({ tool }) => tool)).toEqual(['draw']);
  history.undo();
  history.undo();
  expect({ current: history.current, canUndo: history.canUndo }).toEqual({
    current: nothing,
    canUndo: false,
  });
});

test('a pen that goes on after its stroke was undone, or the drawing replaced, draws nothing', () => {
  const history = new DrawHistory();
  for (const end of [() => history.undo(), () => history.put(nothing)]) {
    history.begin('draw', { x: 1, y: 1 });
    end();
    history.extend({ x: 2, y: 2 });
    expect(history.current).toBe(nothing);
  }
});

test('Latest asks one question at a time, and after its answer the last one that came meanwhile', async () => {
  const sent: { question: string; signal: AbortSignal; resolve(n: number): void; reject(e: Error): void }[] =
    [];
  const outcomes: unknown[] = [];
  const latest = new Latest<string, number>(
    (question, signal) => new Promise((resolve, reject) => sent.push({ question, signal, resolve, reject })),
    (outcome) => outcomes.push({ ...outcome, waiting: latest.waiting }),
  );
  const turn = () => vi.advanceTimersByTimeAsync(0);
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  latest.ask('a');
  latest.ask('b');
  latest.ask('c');
  sent[0].resolve(1);
  await turn();
  expect({ question: sent[1].question, waiting: latest.waiting }).toEqual({ question: 'c', waiting: true });
  expect(outcomes.splice(0)).toEqual([{ question: 'a', answer: 1, waiting: true }]);
  // What is dropped is not waited for, and its answer is none to what comes after it.
  latest.drop();
  expect({ aborted: sent[1].signal.aborted, waiting: latest.waiting }).toEqual({
    aborted: true,
    waiting: false,
  });
  latest.ask('d');
  sent[1].resolve(2);
  await turn();
  expect({ outcomes, question: sent[2].question, waiting: latest.waiting }).toEqual({
    outcomes: [],
    question: 'd',
    waiting: true,
  });
  sent[2].reject(new Error('no'));
  await turn();
  expect({ outcomes, waiting: latest.waiting, sentCount: sent.length }).toEqual({
    outcomes: [{ question: 'd', problem: 'no', waiting: false }],
    waiting: false,
    sentCount: 3,
  });
});

describe('the answer to a drawing', () => {
  const image = new Float32Array(784);
  const order = { source: 'pretrained', image, seed: 1, digit: 3, guidance: 2, rough: true } as const;
  const denoise = (level: number) => ({ ...order, ask: 'denoise', level }) as const;

  // In three steps of Adams, and if nothing changes again in the steps of Euler for its level.
  test.each([
    [denoise(0.6), 'adams', 3, 12],
    [denoise(1), 'adams', 3, 20],
    [{ ...order, ask: 'fill', mask: image } as const, 'adams', 3, 20],
    [denoise(0.15), 'euler', 3, undefined],
    [denoise(0.01), 'euler', 2, undefined],
  ] as const)('is sampled, row %#, by %s in %i steps, and refined in %s', (asked, method, steps, better) => {
    expect(samplingOfDrawing(asked)).toEqual({ method, steps, polish: false });
    const again = refined(asked);
    if (better === undefined) expect(again).toBeUndefined();
    else
      expect(samplingOfDrawing(again as typeof asked)).toEqual({
        method: 'euler',
        steps: better,
        polish: false,
      });
    expect(again && refined(again)).toBeUndefined();
  });
});

describe('the question about a drawing', () => {
  const line = drawn(stroke('draw', [14, 4], [14, 24]));
  const ask = (drawing: Drawing, settings: Partial<typeof initialSettings>) =>
    makeQuestion(drawing, { ...initialSettings, ...settings }, 'pretrained');

  test('holds the task, the level, the digit, the seed and the ink', () => {
    const { order } = ask(line, { ask: 'denoise', level: 25, drawnClass: 7, digit: 3, noise: 9 });
    expect(order).toMatchObject({ ask: 'denoise', level: 0.25, digit: 7, seed: 9, source: 'pretrained' });
    expect(order!.image).toEqual(drawInk(centred(line)));
    expect(ask(line, { ask: 'classify' }).order).toMatchObject({ ask: 'classify' });
    const masked = ask({ strokes: [...line.strokes, stroke('mask', [14, 14])] }, { ask: 'fill' }).order;
    expect(masked?.ask === 'fill' && at(masked.mask, 14, 14)).toBe(1);
  });

  test.each<[RegExp, Drawing, Partial<typeof initialSettings>]>([
    [/^Nothing is drawn yet/, nothing, { ask: 'denoise' }],
    [/^Nothing is drawn yet/, nothing, { ask: 'classify' }],
    [/^Nothing is masked yet/, line, { ask: 'fill' }],
    [/^At 0 % there is no noise/, line, { ask: 'denoise', level: 0 }],
  ])('is refused: %s', (why, drawing, settings) => {
    const { why: said, order } = ask(drawing, settings);
    expect({ said, order }).toEqual({ said: expect.stringMatching(why), order: undefined });
  });

  const { sampling } = recipes.digits;
  const fine = { recipe: 'digits', classes: 10, height: 28, width: 28, channels: 1, sampling } as const;
  test.each([
    [undefined, {}],
    [expect.stringContaining('does not take a noise level'), { recipe: 'tutorial', classes: 0 }],
    [expect.stringContaining('28 x 32'), { width: 32 }],
    [expect.stringContaining('colours'), { channels: 3 }],
    [expect.stringContaining('without classes'), { classes: 0 }],
  ] as const)('is refused for a network, with these words: %s', (words, network) => {
    expect(unfit({ ...fine, ...network })).toEqual(words);
  });
});

test('bars go from the digit that fits worst to the one that fits best', () => {
  expect(rankClasses([0.3, 0.2, 0.25])).toEqual([0, 1, expect.closeTo(0.5, 10)]);
  expect(rankClasses([0.2, 0.2])).toEqual([0, 0]);
  expect(verdict([0.3, 0.2, 0.25], ['A', 'B', 'C'])).toBe(
    'It looks most like a B: with this class the network’s error is smallest. With C, the next best, it is 25\u00a0% larger.',
  );
});
