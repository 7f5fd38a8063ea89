import { expect, test } from 'vitest';
import { lossSvg } from '../../harness/cli/loss_svg';
import { runFiles } from '../../harness/cli/run_files';

const losses = [0.2, 0.1, 0.06, 0.04, 0.05].map(Math.fround);

test('losses.csv and epochs.csv count from 1; an epoch under way has no mean yet', () => {
  const files = runFiles({ losses, stepsPerEpoch: 2, subtitle: '' });
  expect(files['losses.csv']).toBe(
    'step,epoch,loss\n1,1,0.200000003\n2,1,0.100000001\n3,2,0.0599999987\n4,2,0.0399999991\n5,3,0.0500000007\n',
  );
  expect(files['epochs.csv']).toBe('epoch,mean_loss\n1,0.150000002\n2,0.0499999989\n');
});

test('losses.csv keeps every f32 loss exactly', () => {
  const values = Array.from({ length: 1000 }, (_, i) => Math.fround(Math.sin(i) ** 2 / 3));
  const lines = runFiles({ losses: values, stepsPerEpoch: 10, subtitle: '' })
    ['losses.csv'].trim()
    .split('\n');
  const read = lines.slice(1).map((line) => Math.fround(Number(line.split(',')[2])));
  expect(read).toEqual(values);
});

/** Every tag closed, every attribute quoted, no bare & or <. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(
    /<(\/?)(\w+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, closing, name, __, empty) => {
      if (closing) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest.replace(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&]/);
}

test('loss.svg has a title, axes, y from 0 to 0.1, a line of steps and a line of means', () => {
  const svg = lossSvg({ losses, stepsPerEpoch: 2, subtitle: 'a <b> & "c"' });
  expectWellFormed(svg);
  expect(svg).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
  for (const label of ['Training loss', '>0.00<', '>0.10<', '>step<', '>mean squared error<'])
    expect(svg).toContain(label);
  expect(svg).not.toContain('>0.12<');
  const points = (name: string) => {
    const [, text] = new RegExp(`class="${name}" points="([^"]*)"`).exec(svg)!;
    return text.split(' ').map((pair) => pair.split(',').map(Number));
  };
  expect(points('steps')).toHaveLength(5);
  expect(points('means')).toHaveLength(3);
  // 0.1 lies at the top of the plot, 0.05 in its middle.
  const [, top] = points('steps')[1];
  const [, middle] = points('steps')[4];
  expect(svg).toContain(`y1="${top}"`);
  expect(middle).toBeGreaterThan(top);
  expect(svg).not.toContain('NaN');
});

test('loss.svg has a y axis up to the largest mean of an epoch', () => {
  const svg = lossSvg({ losses: [0.9, 0.2, 0.06, 0.04], stepsPerEpoch: 2 });
  expect(svg.match(/text-anchor="end">[\d.]+</g)).toHaveLength(4);
  for (const label of ['>0.20<', '>0.60<']) expect(svg).toContain(label);
  // 0.55 of 0.6, from 394 up to 64.
  expect(svg).toMatch(/<circle class="mean" cx="[\d.]+" cy="91.5"/);
});

test('loss.svg draws no step, one step, or 100,000 steps', () => {
  for (const count of [0, 1, 100_000]) {
    const svg = lossSvg({ losses: new Float32Array(count).fill(0.05), stepsPerEpoch: 1000 });
    expectWellFormed(svg);
    expect(svg).not.toContain('NaN');
    expect(svg.length).toBeLessThan(60_000);
  }
});

test('the files of a run are made of 200,000 epochs, too', () => {
  const epochs = new Array<number>(200_000).fill(0.3);
  const files = runFiles({ losses: epochs, stepsPerEpoch: 1, subtitle: '' });
  expect(files['loss.svg']).toContain('>0.30<');
});

test('loss.svg leaves out skipped steps, and no others', () => {
  const losses = new Float32Array(10_000).fill(0.05);
  losses[0] = Number.NaN;
  losses[2] = 0.09;
  const svg = lossSvg({ losses, stepsPerEpoch: 10_000 });
  const [, points] = /class="steps" points="([^"]*)"/.exec(svg)!;
  const heights = points.split(' ').map((pair) => Number(pair.split(',')[1]));
  expect(heights.length).toBeGreaterThan(1000);
  expect(heights.filter((y) => y < Math.max(...heights))).toHaveLength(1);
  expect(points).not.toContain('NaN');
});
