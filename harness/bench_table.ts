/** The bench's rows as lines of a terminal. */
import type { BenchRow, BenchTotal, SkippedRow, TotalName } from './bench';

const columns = [18, 18, 8, 8, 17, 9, 8, 8] as const;

export const tableHead = line([
  'kernel',
  'variant',
  'layer',
  'ms',
  '  p10 … p90',
  'GFLOP/s',
  'GB/s',
  'of peak',
]);

export function tableRow({ kernel, variant, layer, ms, gflops, gbps, shareOfPeak, check }: BenchRow): string {
  if (!ms || !check.pass) {
    return `${line([kernel, variant, layer])}  not timed, its check failed: ${check.failure?.split('\n')[0]}`;
  }
  return line([
    kernel,
    variant,
    layer,
    time(ms.median),
    `${time(ms.p10)} … ${time(ms.p90)}`,
    gflops ? short(gflops) : '',
    gbps ? short(gbps) : '',
    shareOfPeak === null ? '' : `${Math.round(100 * shareOfPeak)}%`,
  ]);
}

/** What was not run and why, one line for each variant and reason. */
export function skippedLines(rows: readonly SkippedRow[]): string[] {
  const layers = new Map<string, string[]>();
  for (const { kernel, variant, layer, reason } of rows) {
    const key = `${kernel}.${variant}\n${reason}`;
    layers.set(key, [...(layers.get(key) ?? []), layer]);
  }
  return [...layers].map(([key, where]) => {
    const [name, reason] = key.split('\n');
    return `not run: ${name} at ${where.join(', ')}: ${reason}`;
  });
}

const titles: Record<TotalName, string> = {
  step: 'training step',
  forward: 'forward pass',
  sample: 'sampling step',
};

export function totalRow(name: TotalName, { ms, gflops, imagesPerSecond, batch, timer }: BenchTotal): string {
  return (
    `${titles[name].padEnd(14)} ${time(ms.median)} ms (p10 ${time(ms.p10)}, p90 ${time(ms.p90)}, n ${ms.n}) ` +
    `for ${batch} images: ${short(imagesPerSecond)} images/s, ${short(gflops)} GFLOP/s (${timer})`
  );
}

/** Three digits, more for what is large. */
export function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

const time = (ms: number) => (ms < 0.001 ? ms.toExponential(1) : short(ms));

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i < 3 ? cell.padEnd(columns[i]) : cell.padStart(columns[i])))
    .join(' ')
    .trimEnd();
}
