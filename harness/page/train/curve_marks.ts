/** The upright marks of the loss curve: where an epoch ends, and where the learning rate was changed. */
import type uPlot from 'uplot';
import { color } from '../shell/colors';
import type { Curves } from './curve_data';

/** Epoch marks closer than this are left out. */
const MIN_MARK_PIXELS = 24;

export function drawMarks(plot: uPlot, curves: Curves): void {
  const { ctx } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.lineWidth = devicePixelRatio;
  drawEpochs(plot, curves);
  drawRates(plot, curves);
  ctx.restore();
}

function drawEpochs(plot: uPlot, { stepsPerEpoch, losses }: Curves): void {
  const { ctx } = plot;
  const position = (epoch: number) => plot.valToPos(epoch * stepsPerEpoch + 0.5, 'x', true);
  const spacing = (position(1) - position(0)) / devicePixelRatio;
  const every = 10 ** Math.max(0, Math.ceil(Math.log10(MIN_MARK_PIXELS / spacing)));
  ctx.strokeStyle = color('--line');
  ctx.fillStyle = color('--muted');
  for (let epoch = every; epoch * stepsPerEpoch <= losses.length; epoch += every) {
    const x = Math.round(position(epoch));
    upright(plot, x);
    label(plot, x, 'right', epoch === every && spacing * every > 70 ? `epoch ${epoch}` : String(epoch));
  }
}

function drawRates(plot: uPlot, { rates }: Curves): void {
  const { ctx, bbox } = plot;
  ctx.strokeStyle = color('--strong-line');
  ctx.fillStyle = color('--ink');
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { step, lr } of rates) {
    const x = Math.round(plot.valToPos(step + 0.5, 'x', true));
    upright(plot, x);
    // One of the last steps has more room on its left.
    const side = x > bbox.left + 0.8 * bbox.width ? 'right' : 'left';
    label(plot, x, side, `rate ${lr}`, 1);
  }
}

function upright({ ctx, bbox }: uPlot, x: number): void {
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
}

/** Text beside a mark, in a row from the top; it clears its ground, as a line of the grid would strike it through. */
function label({ ctx, bbox }: uPlot, x: number, align: 'left' | 'right', text: string, row = 0): void {
  const { width } = ctx.measureText(text);
  const gap = 4 * devicePixelRatio;
  const left = align === 'left' ? x + gap : x - gap - width;
  const top = bbox.top + row * 15 * devicePixelRatio;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.clearRect(left, top - devicePixelRatio, width, 15 * devicePixelRatio);
  ctx.fillText(text, left, top + 2 * devicePixelRatio);
}
