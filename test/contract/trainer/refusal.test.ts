import { describe, expect, test } from 'vitest';
import { STATE, STATE_WORDS } from '../../../src/plan/step_state';
import type { BatchSource } from '../../../src/training/batch';
import { Losses } from '../../../src/training/losses';
import { divergence, whyNot, wrongInput } from '../../../src/training/refusal';
import { LOSS_RING } from '../../../src/training/step_config';

const layers = ['down.0', 'down.0', 'up.0'];
const record = { loss: 0.25, learningRate: 1e-3, gradientNorm: 1, cause: 0 };

/** What the GPU has after steps of these losses, and one that it refused. */
function after(losses: readonly number[], refused: number, cause = 1): Losses {
  const ring = new Float32Array(4 * (LOSS_RING + 1));
  for (const [s, loss] of losses.entries())
    ring.set([loss, 0, 0, Number.isFinite(loss) ? 0 : 1], 4 * (s % LOSS_RING));
  ring.set([refused, 0, 0, cause], 4 * LOSS_RING);
  const state = new Uint32Array(STATE_WORDS);
  [state[STATE.step], state[STATE.skipped]] = [losses.length, 1];
  return new Losses([state.buffer, ring.buffer], 0);
}

test('whyNot says why a step changed nothing: its loss, or the gradient of which layer', () => {
  expect(whyNot(record, layers)).toBeUndefined();
  expect(whyNot({ ...record, loss: NaN, cause: 1 }, layers)).toBe('its loss is NaN');
  expect(whyNot({ ...record, cause: 3 }, layers)).toContain('the gradient of down.0 ');
  expect(whyNot({ ...record, loss: 6.514e21, cause: 4 }, layers)).toBe(
    'the gradient of up.0 or its square is not finite, at a loss of 6.51e+21',
  );
});

describe('the advice after a step that is not finite', () => {
  const calm = Array.from({ length: 300 }, (_, i) => 0.1 + 0.02 * Math.sin(i));
  const message = (losses: readonly number[], made = losses.length, refused = NaN, cause = 1) => {
    const known = after(losses, refused, cause);
    const error = divergence(known, layers, 0.01, made);
    expect(error.code).toBe('diverged');
    expect(error.message).toContain(`Step ${losses.length + 1} was not made`);
    expect(error.message).toContain(`The weights are those after step ${losses.length}.`);
    return error.message;
  };

  test('blames the learning rate where the loss has grown', () => {
    const text = message([...calm, 0.2, 0.9, 55, 1e4, 3e7]);
    expect(text).toMatch(/grown, from about 0\.1\d* to 30000000: the learning rate is too large/);
    expect(text).toContain('a smaller learning rate than 0.01, a warm-up or clipNorm');
    expect(message([0.1, 1e10])).toContain('grown, from about 0.1 to 10000000000');
  });

  test('blames the learning rate where the loss has grown in the refused step itself', () => {
    expect(message([0.124], 1, 6.51e21, 4)).toContain('grown, from about 0.124 to 6.51e+21');
  });

  test('says that the loss had not grown, where it had not', () => {
    const text = message(calm, 300, Infinity);
    expect(text).toContain('its loss is Infinity');
    expect(text).toMatch(/The loss before was 0\.\d+ and had not grown/);
    expect(text).toContain('a smaller learning rate than 0.01');
  });

  test('blames the weights or the state, not the rate, in the first step of a trainer', () => {
    for (const refused of [NaN, 1e20]) {
      const text = message(calm, 0, refused, 2);
      expect(text).toContain('the weights or the state that training began with');
      expect(text).not.toContain('rate');
    }
  });

  test('does not count the losses of skipped steps', () => {
    expect(message([...calm, NaN, NaN])).toContain('had not grown');
    expect(message([NaN, NaN])).toContain('None was made before it');
  });

  test('says of how many steps none was made, where steps were made before those', () => {
    const skipped = (count: number) => new Array<number>(count).fill(NaN);
    for (const losses of [
      [...calm, ...skipped(100)],
      [...calm, ...skipped(LOSS_RING)],
    ]) {
      const text = message(losses);
      expect(text).toContain('None of the last 100 steps was made either');
      expect(text).toContain('a smaller learning rate than 0.01');
      expect(text).not.toContain('began with');
    }
    expect(message(skipped(150))).toContain('None was made before it');
    expect(message([...calm, ...skipped(150)], 150)).toContain('None was made before it');
  });
});

describe('wrongInput, which searches a batch,', () => {
  const source = (name: BatchSource['name'], to: BatchSource['to'], values: readonly number[]) => ({
    name,
    to,
    bytes: 4 * values.length,
    source: Float32Array.from(values),
  });
  const find = (...sources: BatchSource[]) =>
    wrongInput(sources, async ({ source }) => (source as Float32Array<ArrayBuffer>).buffer);
  const good = source('noisy', 'noisyImages', [0, 1, -1, 1e9]);

  test('finds nothing in a batch without fault', async () => {
    expect(await find(good, source('labels', 'classes', [NaN]))).toBeUndefined();
  });

  test.each([NaN, Infinity, -Infinity, 1e30, -1e10])(
    'names the first value that is out of range: %d',
    async (value) => {
      const bad = source('target', 'targetImages', [0, 0, value, NaN]);
      expect(await find(good, bad)).toBe(`target[2] of its batch is ${Math.fround(value)}`);
    },
  );
});
