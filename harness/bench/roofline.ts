/**
 * Every kernel between the adapter's own roofs, as a drawing for a file and for a page, light or dark: GFLOP/s over FLOP per byte, both
 * without taps outside the image. A kernel on a roof cannot get faster in the same arithmetic. Pure. By hand: see loss_svg.ts.
 */
import { adapterText } from '../text/adapter_text';
import { type Svg, svg, svgFile } from '../text/svg';
import { percent, short } from '../text/table';
import { wrap } from '../text/units';
import type { BenchResult, Row } from './result';
import { nameOf, usedBy } from './table';

const LEGEND_ROW = 20;
const LINE = 16;
/** Wide enough for the longest name of a kernel; and the width of a character. */
const [LEGEND_COLUMN, LETTER] = [150, 6.6];

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

type Shown = Pick<BenchResult, 'adapter' | 'batches' | 'network' | 'peak' | 'rows'>;

/** The plot as a file. */
export function rooflineSvg(result: Shown): string | undefined {
  const plot = roofline(result);
  return plot && svgFile(plot, rooflineCss);
}

interface Point {
  readonly row: Row;
  /** FLOP per byte. */
  readonly intensity: number;
  readonly gflops: number;
}

/**
 * Undefined while there is no kernel that computes anything; without kernels by themselves the ops of the step are shown. Kernels that the
 * network uses are drawn strongly and on top, their rivals faintly. `width`: text keeps its size, so there is less room beside it.
 */
export function roofline(result: Shown, width = 800): Svg | undefined {
  const { peak, rows, batches } = result;
  const alone = rows.filter(({ part }) => part === 'kernel');
  const points = (alone.length > 0 ? alone : rows.filter(({ part }) => part === 'op'))
    .flatMap((row): Point[] => {
      const { ms, insideGflops: gflops, gbps } = row;
      return ms && gflops && gbps ? [{ row, intensity: gflops / gbps, gflops }] : [];
    })
    .sort((a, b) => Number(a.row.used ?? 0) - Number(b.row.used ?? 0));
  if (points.length === 0) return undefined;
  const kernels = [...new Set(points.map(({ row }) => row.kernel))].sort();
  const subtitle = wrap(adapterText(result.adapter), (width - 72) / LETTER);
  const note = points.some(({ row }) => row.used) ? `outlined: ${usedBy(result)}` : '';

  const top = 40 + LINE * subtitle.length;
  const [left, right, bottom] = [64, width - 28, top + Math.min(0.65 * width, 416)];
  const columns = Math.floor((right - left) / LEGEND_COLUMN);
  const noteTop = bottom + 60 + LEGEND_ROW * Math.ceil(kernels.length / columns);
  const roofs = [peak.gbps, Math.max(...peak.copies.map(({ gbps }) => gbps))];
  const corners = roofs.map((gbps) => ({ intensity: peak.gflops / gbps, gflops: peak.gflops }));
  const xs = [...points, ...corners].map(({ intensity }) => intensity);
  const ys = [...points, ...corners].map(({ gflops }) => gflops);
  const x = logScale(Math.min(...xs) / 2, Math.max(...xs), left, right);
  const y = logScale(Math.min(...ys), Math.max(...ys), bottom, top);
  const [middle, half] = [(left + right) / 2, (top + bottom) / 2];
  const best = points.reduce((a, b) => (b.gflops > a.gflops ? b : a));
  const summary = `Roofline: ${points.length} rows between the adapter's roofs of ${short(peak.gflops)} GFLOP/s and ${short(peak.gbps)} GB/s; the highest is ${nameOf(best.row)} at ${short(best.gflops)} GFLOP/s. The table has all numbers.`;
  return svg(
    'svg',
    { class: 'roofline', viewBox: `0 0 ${width} ${noteTop + LINE}`, role: 'img', 'aria-label': summary },
    words(left, 20, `GFLOP/s over FLOP per byte, ${batches.join(', ')} images`, { class: 'title' }),
    ...subtitle.map((line, i) => words(left, 38 + LINE * i, line)),
    ...x.ticks.flatMap((v) => [
      line(`M${x.at(v)},${top} V${bottom}`, 'grid'),
      words(x.at(v), bottom + 18, tick(v), { 'text-anchor': 'middle' }),
    ]),
    ...y.ticks.flatMap((v) => [
      line(`M${left},${y.at(v)} H${right}`, 'grid'),
      words(left - 8, y.at(v) + 4, tick(v), { 'text-anchor': 'end' }),
    ]),
    ...roofsOf(peak.gflops, roofs, x, y, right),
    ...points.map((point) =>
      pointMark(point, kernels.indexOf(point.row.kernel), x.at(point.intensity), y.at(point.gflops)),
    ),
    words(16, half, 'GFLOP/s', { 'text-anchor': 'middle', transform: `rotate(-90 16 ${half})` }),
    words(middle, bottom + 36, 'FLOP per byte', { 'text-anchor': 'middle' }),
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

/** The limits that arithmetic sets, and a copy from memory or from a cache, with their names. */
function roofsOf(gflops: number, [memory, fastest]: number[], x: Scale, y: Scale, right: number): Svg[] {
  const angle = (Math.atan2(y.at(1) - y.at(10), x.at(10) - x.at(1)) * -180) / Math.PI;
  const roof = (gbps: number, name: string, down: number) => {
    // From where the roof enters the plot, at the left or at the bottom, over where it meets the peak.
    const from = Math.max(x.low, y.low / gbps);
    const [left, top] = [x.at(1.15 * from), y.at(1.15 * from * gbps) + down];
    const transform = `rotate(${angle.toFixed(1)} ${left} ${top})`;
    const ridge = `${x.at(gflops / gbps)},${y.at(gflops)}`;
    return [
      line(`M${x.at(from)},${y.at(from * gbps)} L${ridge} H${right}`, 'roof'),
      words(left, top, `${name} ${short(gbps)} GB/s`, { class: 'label', transform }),
    ];
  };
  // The lower roof's words below it, or they would cross the upper one's.
  const hasCache = fastest > 1.1 * memory;
  return [
    ...roof(memory, 'memory', hasCache ? 16 : -6),
    ...(hasCache ? roof(fastest, 'cache', -6) : []),
    words(right - 4, y.at(gflops) - 6, `${short(gflops)} GFLOP/s`, { class: 'label', 'text-anchor': 'end' }),
  ];
}

function pointMark({ row, intensity, gflops }: Point, kernel: number, x: number, y: number): Svg {
  const { kernel: name, variant, layer, ms, shareOfPeak = 0, used } = row;
  const title = `${name}.${variant} ${layer}: ${short(gflops)} GFLOP/s at ${short(intensity)} FLOP per byte, ${short(ms!.median)} ms, ${percent(shareOfPeak)} of peak${used ? ', in use' : ''}`;
  const kind = used === undefined ? '' : used ? ' used' : ' rival';
  return svg('g', {}, mark(kernel, x, y, kind), svg('title', {}, title));
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

/** A scale over whole powers of ten around min and max, and the position of a value between `from` and `to`. */
function logScale(min: number, max: number, from: number, to: number) {
  const low = Math.floor(Math.log10(min));
  const high = Math.max(Math.ceil(Math.log10(max) + 1e-9), low + 1);
  return {
    low: 10 ** low,
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    at: (value: number) =>
      Number((from + ((to - from) * (Math.log10(value) - low)) / (high - low)).toFixed(1)),
  };
}
