/** What a run of the recipe digits leaves behind beside the tutorial's files. */
import { expect, test } from 'vitest';
import { nextFrame } from '../../harness/cli/history';
import { levelSvg } from '../../harness/cli/level_svg';
import { cardTable, qualityLine, qualityTable } from '../../harness/cli/measure_quality';
import { runFiles } from '../../harness/cli/run_files';
import { encodeGif } from '../../harness/pictures/gif';
import { grid } from '../../harness/pictures/pictures';

test('epochs.csv has the held-out losses that are known', () => {
  const files = runFiles({
    losses: [1, 0.5, 0.25],
    stepsPerEpoch: 1,
    subtitle: '',
    heldOut: [undefined, 0.75],
  });
  expect(files['epochs.csv']).toBe('epoch,mean_loss,held_out_loss\n1,1,\n2,0.5,0.75\n3,0.25,\n');
});

test('history.gif has the size, the number and the greys of its frames', () => {
  const frame = (value: number) =>
    grid({ height: 2, width: 3, channels: 1, values: Array(6).fill(value) }, 1, { scale: 1, gap: 0 });
  const gif = encodeGif([frame(0), frame(0.5), frame(1)], 250);
  expect(new TextDecoder().decode(gif.subarray(0, 6))).toBe('GIF89a');
  expect([...gif.subarray(6, 10)]).toEqual([3, 0, 2, 0]);
  // A graphic control extension before each frame, with its delay in hundredths of a second.
  const delays: number[] = [];
  for (let i = 0; i + 6 < gif.length; i++)
    if (gif[i] === 0x21 && gif[i + 1] === 0xf9 && gif[i + 2] === 4)
      delays.push(gif[i + 4] + 256 * gif[i + 5]);
  expect(delays).toEqual([25, 25, 150]);
  const colour = { ...frame(0), channels: 3 as const, data: new Uint8Array(18).fill(9) };
  expect(encodeGif([colour], 250).length).toBeGreaterThan(0);
});

test('frames of history.gif lie ever further apart, at the same numbers of images for any batch', () => {
  const framesOf = (batch: number, end: number) => {
    const steps = [0];
    while (steps[steps.length - 1] < end) steps.push(nextFrame(steps[steps.length - 1], batch));
    return steps;
  };
  const steps = framesOf(256, 1370);
  expect(steps.slice(0, 6)).toEqual([0, 5, 10, 15, 20, 25]);
  expect(steps.length).toBeLessThan(40);
  expect(framesOf(64, 5480)).toEqual(steps.map((step) => 4 * step));
  expect(framesOf(4096, 3)).toEqual([0, 1, 2, 3]);
});

test('loss-by-noise-level.svg draws a bar for each bin that has images', () => {
  const bins = Array.from({ length: 10 }, (_, i) => ({
    from: i / 10,
    to: (i + 1) / 10,
    count: i === 3 ? 0 : 5,
    loss: i === 3 ? undefined : 0.1 * (i + 1),
  }));
  const svg = levelSvg({ loss: 0.4, bins }, 'a <b>');
  expect(svg.match(/class="bin"/g)).toHaveLength(9);
  expect(svg).toContain('a &lt;b&gt;');
  expect(svg).not.toMatch(/NaN|undefined/);
});

const quality = (accepted: number, classAccuracy: number | undefined, digitDistance: number) => ({
  ...{ accepted, classAccuracy, digitDistance },
  ...{ precision: 0.9, recall: 0.8, entropy: 1 },
});

test('the quality of samples is written as a line and as a table, beside real digits', () => {
  const real = quality(0.97, 0.994, 4);
  const told = { samples: quality(0.5, 0.25, 10), real };
  expect(qualityLine(told)).toBe(
    "50.0% accepted (real digits 97.0%), 25.0% show the digit asked for, digit distance 2.5 times the real digits', recall 0.80 (real 0.80)",
  );
  expect(qualityTable(told)).toContain('asked digit is seen');
  const untold = { samples: quality(0.5, undefined, 10), real };
  expect(qualityLine(untold)).not.toContain('asked for');
  expect(qualityTable(untold)).not.toContain('asked digit');
});

test('a quality card has the mean of its runs and the standard error, to two digits', () => {
  const real = { ...quality(0.97, 0.99, 3.2), precision: 0.97, recall: 0.96 };
  const runs = [0, 1, 2, 3].map((i) => ({
    samples: {
      ...real,
      ...{ accepted: 0.9 + 0.01 * i, digitDistance: 100 + 100 * i, recall: 0.5 + 0.0001 * (i % 2) },
    },
    real,
  }));
  // Of 0, 1, 2, 3 the variance is 5/3, and the root of a quarter of it 0.645; of 0, 1, 0, 1 it is 1/3, and 0.289.
  expect(cardTable(runs, 'x').split('\n')).toEqual([
    '| `x` | mean ± standard error | real digits |',
    '|---|--:|--:|',
    '| accepted by the classifier | 91.50% ± 0.65% | 97.0% |',
    '| asked digit is seen | 99.0% ± 0.0% | 99.0% |',
    '| digit distance | 250 ± 65 | 3.2 |',
    '| precision | 0.970 ± 0.000 | 0.970 |',
    '| recall | 0.500050 ± 0.000029 | 0.960 |',
    '| entropy of the digits | 1.000 ± 0.000 | 1.000 |',
  ]);
});
