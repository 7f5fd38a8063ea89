/** Held-out loss by noise level as an SVG file. Pure. Hand-written: see loss_svg.ts. */
import type { Evaluation } from '../../src/training/evaluation';
import { escapeXml } from '../text/svg';

const WIDTH = 640;
const HEIGHT = 360;
const plot = { left: 56, right: WIDTH - 16, top: 56, bottom: HEIGHT - 48 };

export function levelSvg({ loss, bins }: Evaluation, subtitle: string): string {
  const top = Math.max(...bins.map((bin) => bin.loss ?? 0), loss) * 1.1 || 1;
  const x = (level: number) => plot.left + (plot.right - plot.left) * level;
  const y = (value: number) => plot.bottom - ((plot.bottom - plot.top) * value) / top;
  const bars = bins.map(({ from, to, count, loss: of }) =>
    of === undefined
      ? ''
      : `<rect class="bin" x="${(x(from) + 2).toFixed(1)}" width="${(x(to) - x(from) - 4).toFixed(1)}" y="${y(of).toFixed(1)}" height="${(plot.bottom - y(of)).toFixed(1)}"><title>${from} to ${to}: ${of.toFixed(4)}, ${count} images</title></rect>` +
        `<text x="${((x(from) + x(to)) / 2).toFixed(1)}" y="${(y(of) - 6).toFixed(1)}" text-anchor="middle">${of.toFixed(3)}</text>`,
  );
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (level) => `<text x="${x(level)}" y="${plot.bottom + 20}" text-anchor="middle">${level}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="Held-out loss by noise level">
<style>
  text { font: 12px system-ui, sans-serif; fill: #444 }
  .title { font-size: 16px; font-weight: 600; fill: #111 }
  .bin { fill: #7aa6d8 }
  .mean { stroke: #b3331f; stroke-dasharray: 4 3 }
  .axis { stroke: #888; fill: none }
</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text class="title" x="${plot.left}" y="24">Held-out loss by noise level, ${loss.toFixed(4)} in all</text>
<text x="${plot.left}" y="42">${escapeXml(subtitle)}</text>
${bars.join('\n')}
<line class="mean" x1="${plot.left}" x2="${plot.right}" y1="${y(loss).toFixed(1)}" y2="${y(loss).toFixed(1)}"/>
<path class="axis" d="M${plot.left},${plot.top} V${plot.bottom} H${plot.right}"/>
${ticks.join('\n')}
<text x="${(plot.left + plot.right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">noise level: 0 is the image, 1 is noise</text>
</svg>
`;
}
