/**
 * Every row between the adapter's own roofs, as a drawing for a file and for a page, light or dark: GFLOP/s over FLOP per byte, both
 * without taps outside the image. A row on a roof cannot get faster in the same arithmetic. Pure. By hand: see loss_svg.ts.
 */
import { adapterText } from '../text/adapter_text';
import { type Svg, svg, svgFile } from '../text/svg';
import { wrap } from '../text/units';
import type { BenchResult, BenchRow, Peak, TotalName } from './result';
import { isInUse, short, usedBy } from './table';

/** The width on a phone: text keeps its size, so there is less room beside it. */
export const NARROW = 380;
const LEGEND_ROW = 20;
const LINE = 16;
/** Wide enough for the longest name of a kernel; and the width of a character. */
const [LEGEND_COLUMN, LETTER] = [150, 6.6];

interface Point {
  readonly row: BenchRow;
  /** FLOP per byte. */
  readonly intensity: number;
  readonly gflops: number;
}

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
  .roofline .point:is(:hover, :focus, .chosen) .mark { fill-opacity: 1; stroke: var(--ink); stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    .roofline { background: #1a1a19; --ink: #ecebe7; --faint: #a09d95; --rule: #31302d }
    .roofline .mark { --own: color-mix(in srgb, currentColor 55%, #fff) }
  }
`;

type Shown = Pick<BenchResult, 'adapter' | 'batch' | 'network' | 'inUse' | 'peak' | 'rows' | TotalName>;

/** The plot as a file. */
export function rooflineSvg(result: Shown, width?: number): string | undefined {
  const plot = roofline(result, width);
  return plot && svgFile(plot, rooflineCss);
}

/** Undefined while there is no row that computes anything. Rows that the network uses are drawn strongly, their rivals faintly. */
export function roofline(result: Shown, width = 800): Svg | undefined {
  const points = pointsOf(result.rows);
  if (points.length === 0) return undefined;
  const kernels = [...new Set(points.map(({ row }) => row.kernel))];
  const subtitle = wrap(adapterText(result.adapter), (width - 72) / LETTER);
  const uses = points.map((point) => ({ ...point, used: isInUse(result, point.row) }));
  const note = uses.some(({ used }) => used) ? `outlined: in use in the ${usedBy(result)}` : '';

  const top = 40 + LINE * subtitle.length;
  const plot = { left: 64, right: width - 28, top, bottom: top + Math.min(0.65 * width, 416) };
  const { left, right, bottom } = plot;
  const columns = Math.floor((right - left) / LEGEND_COLUMN);
  const noteTop = bottom + 60 + LEGEND_ROW * Math.ceil(kernels.length / columns);
  const { peak } = result;
  const { x, y } = scalesOf(points, [peak, { gflops: peak.gflops, gbps: fastestCopy(peak) }], plot);
  // Variants in use are drawn on top.
  const marks = uses
    .sort((a, b) => Number(a.used ?? 0) - Number(b.used ?? 0))
    .map((point) =>
      pointMark(point, kernels.indexOf(point.row.kernel), x.at(point.intensity), y.at(point.gflops)),
    );
  const title = `GFLOP/s over FLOP per byte, ${result.batch} images`;

  return svg(
    'svg',
    {
      class: 'roofline',
      viewBox: `0 0 ${width} ${noteTop + LINE}`,
      role: 'img',
      'aria-label': `Roofline: ${summaryOf(points, result.peak)}`,
    },
    svg('text', { class: 'title', x: left, y: 20 }, title),
    ...subtitle.map((line, i) => svg('text', { x: left, y: 38 + LINE * i }, line)),
    ...gridOf(x, y, plot),
    ...roofsOf(result.peak, x, y, right),
    ...marks,
    ...axisNames(plot),
    ...legendOf(kernels, plot, columns),
    ...(note ? [svg('text', { x: left, y: noteTop + 4 }, note)] : []),
  );
}

const pointsOf = (rows: readonly BenchRow[]): Point[] =>
  rows.flatMap((row) =>
    row.ms && row.insideGflops && row.gbps
      ? [{ row, intensity: row.insideGflops / row.gbps, gflops: row.insideGflops }]
      : [],
  );

/** The edges of the plot, within the drawing. */
interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Roof = Pick<Peak, 'gflops' | 'gbps'>;

const fastestCopy = ({ copies }: Peak) => Math.max(...copies.map(({ gbps }) => gbps));

function scalesOf(
  points: readonly Pick<Point, 'intensity' | 'gflops'>[],
  corners: readonly Roof[],
  { left, right, top, bottom }: Plot,
) {
  const xs = [...points.map(({ intensity }) => intensity), ...corners.map((roof) => roof.gflops / roof.gbps)];
  const ys = [...points, ...corners].map(({ gflops }) => gflops);
  return {
    x: logScale(Math.min(...xs) / 2, Math.max(...xs), left, right),
    y: logScale(Math.min(...ys), Math.max(...ys), bottom, top),
  };
}

function axisNames({ left, right, top, bottom }: Plot): Svg[] {
  const [across, down] = [(left + right) / 2, (top + bottom) / 2];
  return [
    svg('text', { x: 16, y: down, 'text-anchor': 'middle', transform: `rotate(-90 16 ${down})` }, 'GFLOP/s'),
    svg('text', { x: across, y: bottom + 36, 'text-anchor': 'middle' }, 'FLOP per byte'),
  ];
}

const gridOf = (x: Scale, y: Scale, { left, right, top, bottom }: Plot): Svg[] => [
  ...x.ticks.flatMap((v) => tick(`M${x.at(v)},${top} V${bottom}`, x.at(v), bottom + 18, 'middle', v)),
  ...y.ticks.flatMap((v) => tick(`M${left},${y.at(v)} H${right}`, left - 8, y.at(v) + 4, 'end', v)),
];

/** The limits that memory and arithmetic set, with their names. */
function roofsOf(peak: Peak, x: Scale, y: Scale, right: number): Svg[] {
  const [{ gflops, gbps: memory }, fastest] = [peak, fastestCopy(peak)];
  const slopes = [
    { gbps: memory, name: 'memory' },
    ...(fastest > 1.1 * memory ? [{ gbps: fastest, name: 'cache' }] : []),
  ];
  const lines = slopes.map(({ gbps }) => {
    // From where the roof enters the plot, at the left or at the bottom, to where it meets the peak.
    const from = Math.max(x.low, y.low / gbps);
    const d = `M${x.at(from)},${y.at(from * gbps)} L${x.at(gflops / gbps)},${y.at(gflops)}`;
    return svg('path', { class: 'roof', d });
  });
  // The lower roof's words below it, or they would cross the upper one's.
  const texts = slopes.map(({ gbps, name }, i) => {
    const at = Math.max(x.low, y.low / gbps) * 1.15;
    const angle = (Math.atan2(y.at(1) - y.at(10), x.at(10) - x.at(1)) * -180) / Math.PI;
    const [left, top] = [x.at(at), y.at(at * gbps) + (slopes.length > 1 && i === 0 ? 16 : -6)];
    const transform = `rotate(${angle.toFixed(1)} ${left} ${top})`;
    return svg('text', { class: 'label', x: left, y: top, transform }, `${name} ${short(gbps)} GB/s`);
  });
  const name = { class: 'label', x: right - 4, y: y.at(gflops) - 6, 'text-anchor': 'end' };
  return [
    ...lines,
    svg('path', { class: 'roof', d: `M${x.at(gflops / fastest)},${y.at(gflops)} H${right}` }),
    svg('text', name, `${short(gflops)} GFLOP/s`),
    ...texts,
  ];
}

const legendOf = (kernels: readonly string[], { left, right, bottom }: Plot, columns: number): Svg[] =>
  kernels.flatMap((kernel, i) => {
    const x = left + ((right - left) / columns) * (i % columns);
    const y = bottom + 56 + LEGEND_ROW * Math.floor(i / columns);
    return [mark(i, x, y), svg('text', { x: x + 12, y: y + 4 }, kernel)];
  });

function summaryOf(points: readonly Point[], { gflops, gbps }: Peak): string {
  const { row, ...best } = points.reduce((a, b) => (b.gflops > a.gflops ? b : a));
  const name = `${row.kernel}.${row.variant} ${row.layer}`;
  return `${points.length} rows between the adapter's roofs of ${short(gflops)} GFLOP/s and ${short(gbps)} GB/s; the highest is ${name} at ${short(best.gflops)} GFLOP/s. The table has all numbers.`;
}

function pointMark(
  { row, intensity, gflops, used }: Point & { used?: boolean },
  kernel: number,
  x: number,
  y: number,
): Svg {
  const { kernel: name, variant, layer, ms, shareOfPeak } = row;
  const words = `${name}.${variant} ${layer}: ${short(gflops)} GFLOP/s at ${short(intensity)} FLOP per byte, ${short(ms!.median)} ms, ${Math.round(100 * (shareOfPeak ?? 0))}% of peak${used ? ', in use' : ''}`;
  const kind = used === undefined ? '' : used ? ' used' : ' rival';
  return svg(
    'g',
    { class: 'point', 'data-row': `${name}.${variant} ${layer}`, 'data-x': x, 'data-y': y },
    mark(kernel, x, y, kind),
    svg('title', {}, words),
  );
}

/** Kernels differ by colour and, for those who see few of them, by shape. */
function mark(kernel: number, x: number, y: number, kind = ''): Svg {
  const shapes = [
    `M${x - 5},${y} a5,5 0 1 0 10,0 a5,5 0 1 0 -10,0`,
    `M${x - 4.5},${y - 4.5} h9 v9 h-9 z`,
    `M${x},${y - 6} l6,10 h-12 z`,
    `M${x},${y - 6} l6,6 l-6,6 l-6,-6 z`,
  ];
  const d = shapes[kernel % shapes.length];
  return svg('path', { class: `mark${kind}`, color: colourOf(kernel), d });
}

/** Steps of the golden angle: neighbours differ in colour, however many there are. */
const colourOf = (kernel: number) => `hsl(${Math.round((15 + 137.5 * kernel) % 360)}, 70%, 42%)`;

function tick(d: string, x: number, y: number, anchor: 'middle' | 'end', value: number): Svg[] {
  return [
    svg('path', { class: 'grid', d }),
    svg('text', { x, y, 'text-anchor': anchor }, String(Number(value.toPrecision(1)))),
  ];
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
