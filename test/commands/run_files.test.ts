/** The files that a run leaves: losses, drawings, pictures that move, and quality in numbers. */
import { expect, test } from 'vitest';
import { levelSvg } from '../../harness/cli/level_svg';
import { lossSvg } from '../../harness/cli/loss_svg';
import { cardTable, qualityLine, qualityTable } from '../../harness/cli/measure_quality';
import { runFiles } from '../../harness/cli/run_files';
import { encodeGif } from '../../harness/pictures/gif';
import { grid } from '../../harness/pictures/pictures';

const losses = [0.2, 0.1, 0.06, 0.04, 0.05].map(Math.fround);

test('losses.csv and epochs.csv count from 1; an epoch under way has no mean yet', () => {
  const files = runFiles({ losses, stepsPerEpoch: 2, subtitle: '' });
  expect(files['losses.csv']).toBe(
    'step,epoch,loss\n1,1,0.200000003\n2,1,0.100000001\n3,2,0.0599999987\n4,2,0.0399999991\n5,3,0.0500000007\n',
  );
  expect(files['epochs.csv']).toBe('epoch,mean_loss\n1,0.150000002\n2,0.0499999989\n');
  const known = { losses: [1, 0.5, 0.25], stepsPerEpoch: 1, subtitle: '', heldOut: [undefined, 0.75] };
  expect(runFiles(known)['epochs.csv']).toBe('epoch,mean_loss,held_out_loss\n1,1,\n2,0.5,0.75\n3,0.25,\n');
});

/** Every tag closed, every attribute quoted, no bare & or <. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  const tag = /<(\/?)(\w+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g;
  const rest = xml.replace(tag, (_, closing, name, __, empty) => {
    if (closing) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name);
    return '';
  });
  expect(open).toEqual([]);
  expect(rest.replace(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/);
}
const points = (svg: string, name: string) =>
  new RegExp(`class="${name}" points="([^"]*)"`)
    .exec(svg)![1]
    .split(' ')
    .map((pair) => pair.split(',').map(Number));

test('loss.svg has a title, axes, y from 0 to 0.1, a line of steps and a line of means', () => {
  const svg = lossSvg({ losses, stepsPerEpoch: 2, subtitle: 'a <b> & "c"' });
  expectWellFormed(svg);
  expect(svg).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
  for (const label of ['Training loss', '>0.00<', '>0.10<', '>step<', '>mean squared error<'])
    expect(svg).toContain(label);
  expect(svg).not.toMatch(/>0\.12<|NaN/);
  expect([points(svg, 'steps').length, points(svg, 'means').length]).toEqual([5, 3]);
  // 0.1 lies at the top of the plot, 0.05 in its middle.
  const heightAt = (step: number) => points(svg, 'steps')[step][1];
  const top = heightAt(1);
  const middle = heightAt(4);
  expect(svg).toContain(`y1="${top}"`);
  expect(middle).toBeGreaterThan(top);
});

test('the files of a run are made of 200,000 epochs, too', () => {
  const files = runFiles({ losses: new Array(200_000).fill(0.3), stepsPerEpoch: 1, subtitle: '' });
  expect(files['loss.svg']).toContain('>0.30<');
});

test('loss.svg leaves out skipped steps, and no others', () => {
  const losses = new Float32Array(10_000).fill(0.05);
  losses[0] = Number.NaN;
  losses[2] = 0.09;
  const heights = points(lossSvg({ losses, stepsPerEpoch: 10_000 }), 'steps').map(([_, y]) => y);
  expect(heights.length).toBeGreaterThan(1000);
  expect(heights.filter((y) => !(y >= Math.max(...heights)))).toHaveLength(1);
});

test('loss-by-noise-level.svg draws a bar for each bin that has images', () => {
  const bins = [0.4, undefined].map((loss, i) => ({
    from: i / 2,
    to: (i + 1) / 2,
    count: loss ? 5 : 0,
    loss,
  }));
  const svg = levelSvg({ loss: 0.4, bins }, 'a <b>');
  expectWellFormed(svg);
  expect(svg.match(/class="bin"/g)).toHaveLength(1);
  expect(svg).toContain('a &lt;b&gt;');
});

test('history.gif has the size, the number and the times of its frames', () => {
  const frame = (value: number) =>
    grid({ height: 2, width: 3, channels: 1, values: Array(6).fill(value) }, 1, { scale: 1, gap: 0 });
  const gif = Buffer.from(encodeGif([frame(0), frame(0.5), frame(1)], 250));
  expect(gif.toString('latin1', 0, 6)).toBe('GIF89a');
  expect([...gif.subarray(6, 10)]).toEqual([3, 0, 2, 0]);
  // A graphic control extension before each frame, with its delay in hundredths of a second.
  const delays = gif.toString('latin1').split('\x21\xf9\x04').slice(1);
  expect(delays.map((after) => Buffer.from(after, 'latin1').readUInt16LE(1))).toEqual([25, 25, 150]);
});

const quality = (accepted: number, classAccuracy: number | undefined, digitDistance: number) => ({
  accepted,
  classAccuracy,
  digitDistance,
  precision: 0.9,
  recall: 0.8,
  entropy: 1,
});
const real = quality(0.97, 0.994, 4);

test('the quality of samples is written as a line and as a table, beside real digits', () => {
  const told = { samples: quality(0.5, 0.25, 10), real };
  expect(qualityLine(told)).toBe(
    "50.0% accepted (real digits 97.0%), 25.0% show the digit asked for, digit distance 2.5 times the real digits', recall 0.80 (real 0.80)",
  );
  expect(qualityTable(told)).toContain('asked digit is seen');
  const untold = { samples: quality(0.5, undefined, 10), real };
  expect(qualityLine(untold) + qualityTable(untold)).not.toMatch(/asked/);
});

test('a quality card has the mean of its runs and the standard error, to two digits', () => {
  const runs = [0, 1, 2, 3].map((i) => ({
    samples: { ...quality(0.9 + 0.01 * i, 0.994, 100 + 100 * i), recall: 0.5 + 0.0001 * (i % 2) },
    real,
  }));
  // Of 0, 1, 2, 3 the variance is 5/3, and the root of a quarter of it 0.645; of 0, 1, 0, 1 it is 1/3, and 0.289.
  expect(cardTable(runs, 'x').split('\n')).toEqual([
    '| `x` | mean ± standard error | real digits |',
    '|---|--:|--:|',
    '| accepted by the classifier | 91.50% ± 0.65% | 97.0% |',
    '| asked digit is seen | 99.4% ± 0.0% | 99.4% |',
    '| digit distance | 250 ± 65 | 4.0 |',
    '| precision | 0.900 ± 0.000 | 0.900 |',
    '| recall | 0.500050 ± 0.000029 | 0.800 |',
    '| entropy of the digits | 1.000 ± 0.000 | 1.000 |',
  ]);
});
