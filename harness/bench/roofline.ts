/**
 * Every kernel between the adapter's own roofs, as a drawing for a file and for a page, light or dark: GFLOP/s over FLOP per byte, both
 * without taps outside the image. A kernel on a roof cannot get faster in the same arithmetic. Pure. By hand: see loss_svg.ts.
 */
import { adapterText } from '../text/adapter_text';
import { type Svg, svg, svgFile } from '../text/svg';
import { percent, short } from '../text/table';
import { wrap } from '../text/units';
import type { BenchResult } from './result';
import { rowName, usedBy } from './table';

const LEGEND_ROW = 20;
const LINE = 16;
/** Wide enough for the longest name of a kernel; and the width of a character. */
const LEGEND_COLUMN = 150;
const LETTER = 6.6;

/** The plot's colours: in a file a part of it, on a page a style sheet. A kernel's own colour is its mark's `color`. */
export const rooflineCss = `
  .roofline { background: #fff; --ink: #1d1d1b; --faint: #66645e; --rule: #e2e0da }
  .roofline text { font: 12px system-ui, sans-serif; fill: var(--faint) }
  .roofline .title { font-size: 14px; font-weight: 550; fill: var(--ink) }
  .roofline .grid { stroke: var(--rule); fill: none }
  .roofline .roof { stroke: var(--ink); stroke-width: 1.5; fill: none }
  .roofline .label { fill: var(--ink) }
  .roofline .mark { --own: currentColor; fill: var(--own); fill-opacity: 0.75; stroke: var(--own) }
  .roofline .rival { fill-opacity: 0.15; stroke-opacity: 0.5 }
  .roofline .used { fill-opacity: 1; stroke: var(--ink); stroke-width: 1.5 }
  .roofline .mark:hover { fill-opacity: 1; stroke: var(--ink); stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    .roofline { background: #1a1a19; --ink: #ecebe7; --faint: #a09d95; --rule: #31302d }
    .roofline .mark { --own: color-mix(in srgb, currentColor 55%, #fff) }
  }
`;

/** The plot as a file. */
export function rooflineSvg(result: BenchResult): string | undefined {
  const plot = roofline(result);
  return plot && svgFile(plot, rooflineCss);
}

/**
 * Undefined while there is no kernel that computes anything; without kernels by themselves the ops of the step are shown. Kernels that the
 * network uses are drawn strongly and on top, their rivals faintly. `width`: text keeps its size, so there is less room beside it.
 */
export function roofline(result: BenchResult, width = 800): Svg | undefined {
  const { adapter, peak, rows, batches } = result;
  const shown = rows.some(({ part }) => part === 'kernel') ? 'kernel' : 'op';
  const points = rows
    .flatMap((row) => {
      const { part, ms, insideGflops: gflops, gbps } = row;
      return part === shown && ms && gflops && gbps ? [{ row, intensity: gflops / gbps, gflops }] : [];
    })
    .sort((a, b) => Number(a.row.used ?? 0) - Number(b.row.used ?? 0));
  if (points.length === 0) return undefined;
  const kernels = [...new Set(points.map(({ row }) => row.kernel))].sort();
  const subtitle = wrap(adapterText(adapter), (width - 72) / LETTER);
  const note = points.some(({ row }) => row.used) ? `outlined: ${usedBy(result)}` : '';
  const best = points.reduce((a, b) => (b.gflops > a.gflops ? b : a));
  const summary = `Roofline: ${points.length} rows between the adapter's roofs of ${short(peak.gflops)} GFLOP/s and ${short(peak.gbps)} GB/s; the highest is ${rowName(best.row)} at ${short(best.gflops)} GFLOP/s. The table has all numbers.`;

  const top = 40 + LINE * subtitle.length;
  const left = 64;
  const right = width - 28;
  const bottom = top + Math.min(0.65 * width, 416);
  const columns = Math.floor((right - left) / LEGEND_COLUMN);
  const noteTop = bottom + 60 + LEGEND_ROW * Math.ceil(kernels.length / columns);
  const memory = { name: 'memory', gbps: peak.gbps };
  const cache = { name: 'cache', gbps: Math.max(...peak.copies.map(({ gbps }) => gbps)) };
  const xs = points.map(({ intensity }) => intensity);
  const ridges = [memory, cache].map(({ gbps }) => peak.gflops / gbps);
  const x = logScale([...xs, ...ridges, Math.min(...xs, ...ridges) / 2], left, right);
  const y = logScale([...points.map(({ gflops }) => gflops), peak.gflops], bottom, top);
  const roofs = cache.gbps > 1.1 * memory.gbps ? [memory, cache] : [memory];
  return svg(
    'svg',
    { class: 'roofline', viewBox: `0 0 ${width} ${noteTop + LINE}`, role: 'img', 'aria-label': summary },
    words(left, 20, `GFLOP/s over FLOP per byte, ${batches.join(', ')} images`, { class: 'title' }),
    ...subtitle.map((line, i) => words(left, 38 + LINE * i, line)),
    ...axes(x, y),
    ...limits(roofs, peak.gflops, x, y),
    ...points.map(({ row, intensity, gflops }) => {
      const { kernel, variant, layer, ms, shareOfPeak = 0, used } = row;
      const title = `${kernel}.${variant} ${layer}: ${short(gflops)} GFLOP/s at ${short(intensity)} FLOP per byte, ${short(ms!.median)} ms, ${percent(shareOfPeak)} of peak${used ? ', in use' : ''}`;
      const kind = used === undefined ? '' : used ? ' used' : ' rival';
      const drawn = mark(kernels.indexOf(kernel), x.at(intensity), y.at(gflops), kind);
      return svg('g', {}, drawn, svg('title', {}, title));
    }),
    ...kernels.flatMap((kernel, i) => {
      const at = left + ((right - left) / columns) * (i % columns);
      const down = bottom + 56 + LEGEND_ROW * Math.floor(i / columns);
      return [mark(i, at, down), words(at + 12, down + 4, kernel)];
    }),
    ...(note ? [words(left, noteTop + 4, note)] : []),
  );
}

const words = (x: number, y: number, text: string, attributes: Svg['attributes'] = {}): Svg =>
  svg('text', { x, y, ...attributes }, text);
const line = (d: string, kind: string): Svg => svg('path', { class: kind, d });
const tick = (value: number) => String(Number(value.toPrecision(1)));

/** The lines, numbers and names of both axes. */
function axes(x: Scale, y: Scale): Svg[] {
  const half = (y.from + y.to) / 2;
  return [
    ...x.ticks.flatMap((v) => [
      line(`M${x.at(v)},${y.to} V${y.from}`, 'grid'),
      words(x.at(v), y.from + 18, tick(v), { 'text-anchor': 'middle' }),
    ]),
    ...y.ticks.flatMap((v) => [
      line(`M${x.from},${y.at(v)} H${x.to}`, 'grid'),
      words(x.from - 8, y.at(v) + 4, tick(v), { 'text-anchor': 'end' }),
    ]),
    words(16, half, 'GFLOP/s', { 'text-anchor': 'middle', transform: `rotate(-90 16 ${half})` }),
    words((x.from + x.to) / 2, y.from + 36, 'FLOP per byte', { 'text-anchor': 'middle' }),
  ];
}

/** What a copy from memory or from a cache allows, and arithmetic. */
function limits(roofs: readonly { name: string; gbps: number }[], gflops: number, x: Scale, y: Scale): Svg[] {
  const angle = (Math.atan2(y.at(1) - y.at(10), x.at(10) - x.at(1)) * -180) / Math.PI;
  const lines = roofs.flatMap(({ name, gbps }, i) => {
    // From where the roof enters the plot, at the left or at the bottom, over where it meets the peak.
    const from = Math.max(x.low, y.low / gbps);
    // The lower roof's words below it, or they would cross the upper one's.
    const beside = i < roofs.length - 1 ? 16 : -6;
    const left = x.at(1.15 * from);
    const top = y.at(1.15 * from * gbps) + beside;
    const transform = `rotate(${angle.toFixed(1)} ${left} ${top})`;
    const ridge = `${x.at(gflops / gbps)},${y.at(gflops)}`;
    return [
      line(`M${x.at(from)},${y.at(from * gbps)} L${ridge} H${x.to}`, 'roof'),
      words(left, top, `${name} ${short(gbps)} GB/s`, { class: 'label', transform }),
    ];
  });
  const label = { class: 'label', 'text-anchor': 'end' };
  return [...lines, words(x.to - 4, y.at(gflops) - 6, `${short(gflops)} GFLOP/s`, label)];
}

/** Kernels differ by colour, in steps of the golden angle, and, for those who see few of them, by shape. */
function mark(kernel: number, x: number, y: number, kind = ''): Svg {
  const shapes = [
    `M${x - 5},${y} a5,5 0 1 0 10,0 a5,5 0 1 0 -10,0`,
    `M${x - 4.5},${y - 4.5} h9 v9 h-9 z`,
    `M${x},${y - 6} l6,10 h-12 z`,
    `M${x},${y - 6} l6,6 l-6,6 l-6,-6 z`,
  ];
  const color = `hsl(${Math.round((15 + 137.5 * kernel) % 360)}, 70%, 42%)`;
  return svg('path', { class: `mark${kind}`, color, d: shapes[kernel % shapes.length] });
}

type Scale = ReturnType<typeof logScale>;

/** A scale over whole powers of ten around values, and the position of a value between `from` and `to`. */
function logScale(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...values)) + 1e-9), low + 1);
  return {
    from,
    to,
    low: 10 ** low,
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    at: (value: number) =>
      Number((from + ((to - from) * (Math.log10(value) - low)) / (high - low)).toFixed(1)),
  };
}
