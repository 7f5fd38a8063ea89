/**
 * The loss curve as the tutorial plots it, y from 0 to 0.1 (or as far as the epochs' means go), as an SVG file. Pure. Hand-written, like
 * the other plots: libraries that draw without a page (Vega, ECharts) weigh hundreds of kilobytes, and d3 would save only the scales.
 */
import { meansSoFar } from '../run/losses';
import { escapeXml } from '../text/svg';

interface LossCurve {
  /** The loss of each step, from the first. */
  readonly losses: ArrayLike<number>;
  readonly stepsPerEpoch: number;
  /** The line below the title, for example data, batch and learning rate. */
  readonly subtitle?: string;
}

const WIDTH = 800;
const HEIGHT = 450;
const plot = { left: 64, right: WIDTH - 24, top: 64, bottom: HEIGHT - 56 };
/** The upper end of the tutorial's plot. */
const TOP_LOSS = 0.1;
/** More points than pixels only make the file larger: beyond this, each run of steps is drawn by its minimum and maximum. */
const MOST_POINTS = 2000;

export function lossSvg({ losses, stepsPerEpoch, subtitle = '' }: LossCurve): string {
  const steps = losses.length;
  const x = (step: number) => plot.left + ((plot.right - plot.left) * step) / Math.max(steps, 1);
  const means = meansSoFar(losses, stepsPerEpoch);
  const highest = means.reduce((a, b) => Math.max(a, b), TOP_LOSS);
  const yDistance = niceDistance(highest / 5);
  const top = yDistance * Math.ceil(highest / yDistance);
  const y = (loss: number) => plot.bottom - ((plot.bottom - plot.top) * loss) / top;
  const point = (step: number, loss: number) =>
    `${x(step).toFixed(1)},${Math.max(y(loss), -HEIGHT).toFixed(1)}`;

  const line = thinned(losses).map(([step, loss]) => point(step, loss));
  const meanPoints = means.map((mean, i) => {
    const from = i * stepsPerEpoch;
    const to = Math.min((i + 1) * stepsPerEpoch, steps);
    return [(from + to) / 2, mean] as const;
  });
  const yTicks = multiples(yDistance, top).map(
    (loss) =>
      `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${y(loss)}" y2="${y(loss)}"/>` +
      `<text x="${plot.left - 8}" y="${y(loss) + 4}" text-anchor="end">${loss.toFixed(2)}</text>`,
  );
  const xTicks = multiples(niceDistance(Math.max(steps / 8, 1)), steps).map(
    (step) =>
      `<line class="tick" x1="${x(step).toFixed(1)}" x2="${x(step).toFixed(1)}" y1="${plot.bottom}" y2="${plot.bottom + 5}"/>` +
      `<text x="${x(step).toFixed(1)}" y="${plot.bottom + 20}" text-anchor="middle">${step}</text>`,
  );
  const legendX = plot.right - 176;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Training loss over ${steps} steps">
<style>
  text { font: 13px system-ui, sans-serif; fill: #444 }
  .title { font-size: 17px; font-weight: 600; fill: #111 }
  .grid { stroke: #e4e4e4 }
  .tick, .axis { stroke: #888; fill: none }
  .steps { stroke: #7aa6d8; stroke-width: 1; fill: none; stroke-linejoin: round }
  .means { stroke: #b3331f; stroke-width: 2; fill: none }
  .mean { fill: #b3331f }
</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<clipPath id="plot"><rect x="${plot.left}" y="${plot.top}" width="${plot.right - plot.left}" height="${plot.bottom - plot.top}"/></clipPath>
<text class="title" x="${plot.left}" y="28">Training loss</text>
<text x="${plot.left}" y="48">${escapeXml(subtitle)}</text>
${yTicks.join('\n')}
<path class="axis" d="M${plot.left},${plot.top} V${plot.bottom} H${plot.right}"/>
${xTicks.join('\n')}
<text x="${(plot.left + plot.right) / 2}" y="${HEIGHT - 14}" text-anchor="middle">step</text>
<text x="18" y="${(plot.top + plot.bottom) / 2}" text-anchor="middle" transform="rotate(-90 18 ${(plot.top + plot.bottom) / 2})">mean squared error</text>
<g clip-path="url(#plot)">
<polyline class="steps" points="${line.join(' ')}"/>
<polyline class="means" points="${meanPoints.map(([s, m]) => point(s, m)).join(' ')}"/>
${meanPoints.map(([s, m]) => `<circle class="mean" cx="${x(s).toFixed(1)}" cy="${y(m).toFixed(1)}" r="3.5"/>`).join('\n')}
</g>
<line class="steps" x1="${legendX}" x2="${legendX + 24}" y1="24" y2="24"/><text x="${legendX + 32}" y="28">each step</text>
<line class="means" x1="${legendX}" x2="${legendX + 24}" y1="44" y2="44"/><text x="${legendX + 32}" y="48">mean of each epoch</text>
</svg>
`;
}

/** [step from 1, loss] of the steps that have one, at most about MOST_POINTS of them. */
function thinned(losses: ArrayLike<number>): (readonly [number, number])[] {
  // A skipped step has no loss.
  const all = Array.from(losses, (loss, i) => [i + 1, loss] as const).filter(
    ([_, loss]) => !Number.isNaN(loss),
  );
  const run = Math.ceil((2 * all.length) / MOST_POINTS);
  if (run <= 2) return all;
  const points: (readonly [number, number])[] = [];
  for (let from = 0; from < all.length; from += run) {
    let low = from;
    let high = from;
    for (let i = from; i < Math.min(from + run, all.length); i++) {
      if (all[i][1] < all[low][1]) low = i;
      if (all[i][1] > all[high][1]) high = i;
    }
    points.push(all[Math.min(low, high)], all[Math.max(low, high)]);
  }
  return points;
}

/** The smallest of 1, 2 or 5 times a power of ten that is not below `rough`. */
function niceDistance(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5, 10].find((f) => f * power >= rough) ?? 10);
}

/** 0, `distance`, … up to `end`. */
function multiples(distance: number, end: number): number[] {
  return Array.from({ length: Math.floor(end / distance + 1e-9) + 1 }, (_, i) => i * distance);
}
