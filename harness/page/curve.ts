/** The loss curve: every step's loss (faint), its running mean (strong), and a mark at the end of each epoch. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { loss as lossText } from './format';
import type { Settings } from './settings';
import { curveTop, smooth } from './state';

export type Scale = 'linear' | 'log';

const REDRAW_MS = 200;
/** A number on an axis, in few letters. */
const short = (v: number) => (Math.abs(v) < 1e4 ? String(Number(v.toPrecision(3))) : v.toExponential(0));
/** The numbers from which logarithmic axes may begin and end. */
const ROUND = [1, 2, 5, 10];

/** The closest round number that is not above `value`, or not below it. */
function rounded(value: number, up: boolean): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digits = value / power;
  const round = up ? ROUND.find((r) => r >= digits - 1e-9)! : ROUND.findLast((r) => r <= digits + 1e-9)!;
  return round * power;
}

/** Epoch marks closer than this are left out. */
const MIN_MARK_PIXELS = 24;

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Curve {
  private readonly host: HTMLElement;
  private readonly reading: HTMLElement;
  private plot: uPlot | undefined;
  private scale: Scale = 'linear';
  private losses: readonly number[] = [];
  private smoothed: number[] = [];
  private stepsPerEpoch = 1;
  private recipe: Settings['recipe'] = 'tutorial';
  private drawnAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: HTMLElement, reading: HTMLElement) {
    this.host = host;
    this.reading = reading;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(host);
    // The canvas does not follow the page's colour scheme by itself.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.rebuild());
  }

  setScale(scale: Scale): void {
    this.scale = scale;
    this.rebuild();
  }

  set(losses: readonly number[], stepsPerEpoch: number, recipe: Settings['recipe']): void {
    if (losses === this.losses && stepsPerEpoch === this.stepsPerEpoch) return;
    this.losses = losses;
    this.stepsPerEpoch = stepsPerEpoch;
    this.recipe = recipe;
    const wait = this.drawnAt + REDRAW_MS - performance.now();
    if (wait <= 0 || losses.length === 0) this.draw();
    else this.timer ??= setTimeout(() => this.draw(), wait);
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnAt = performance.now();
    this.smoothed = smooth(this.losses);
    if (this.losses.length === 0) {
      this.plot?.destroy();
      this.plot = undefined;
    } else if (this.plot) this.plot.setData(this.data());
    else this.rebuild();
  }

  private data(): uPlot.AlignedData {
    const steps = this.losses.map((loss) => (Number.isNaN(loss) ? null : loss));
    return [steps.map((_, i) => i + 1), steps, this.smoothed];
  }

  private size(): { width: number; height: number } {
    return { width: this.host.clientWidth, height: this.host.clientHeight };
  }

  /** The first epoch gets an axis of a round number of steps, so that its start is not stretched; later the curve fills the axis. */
  private xEnd(): number {
    const count = this.losses.length;
    const rooms = [20, 50, 100, 200, 500, 1000, 2000, 5000];
    const room = rooms.find((steps) => steps >= count) ?? count;
    return Math.max(count, Math.min(room, this.stepsPerEpoch), 2);
  }

  private yRange(): [number, number] {
    const { losses, smoothed } = this;
    if (this.scale === 'log') {
      let low = Number.POSITIVE_INFINITY;
      let high = 0;
      for (const value of losses) {
        if (value > 0 && value < low) low = value;
        if (value > high) high = value;
      }
      return [rounded(low, false), rounded(high, true)];
    }
    return [0, curveTop(smoothed, this.recipe)];
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    if (this.losses.length === 0) return;
    const font = '12px system-ui, sans-serif';
    const axis: uPlot.Axis = {
      font,
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
    };
    this.plot = new uPlot(
      {
        ...this.size(),
        padding: [8, 16, 0, 0], // room for half of the last label, "1,000"
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
        scales: {
          x: {
            time: false,
            range: () => [0, this.xEnd() + 0.5],
          },
          y: { distr: this.scale === 'log' ? 3 : 1, range: () => this.yRange() },
        },
        axes: [
          {
            ...axis,
            size: 28,
            grid: { show: false },
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5],
          },
          {
            ...axis,
            size: 44,
            values: (_, ticks) => ticks.map((v) => (v === null ? '' : short(v))),
          },
        ],
        series: [
          {},
          {
            stroke: color('--accent'),
            alpha: 0.35,
            width: 1,
            points: { show: (_, __, from, to) => to === from },
          },
          { stroke: color('--accent'), width: 2, points: { show: false } },
        ],
        hooks: {
          drawAxes: [(plot) => this.drawEpochs(plot)],
          setCursor: [(plot) => this.read(plot.cursor.idx)],
        },
      },
      this.data(),
      this.host,
    );
    this.plot.ctx.canvas.addEventListener('contextrestored', () => this.rebuild());
  }

  private drawEpochs(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const position = (epoch: number) => plot.valToPos(epoch * this.stepsPerEpoch + 0.5, 'x', true);
    const spacing = (position(1) - position(0)) / devicePixelRatio;
    const every = 10 ** Math.max(0, Math.ceil(Math.log10(MIN_MARK_PIXELS / spacing)));
    ctx.save();
    ctx.strokeStyle = color('--line');
    ctx.fillStyle = color('--muted');
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'top';
    ctx.lineWidth = devicePixelRatio;
    for (let epoch = every; epoch * this.stepsPerEpoch <= this.losses.length; epoch += every) {
      const x = Math.round(position(epoch));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const label = epoch === every && spacing * every > 70 ? `epoch ${epoch}` : String(epoch);
      const [right, top] = [x - 4 * devicePixelRatio, bbox.top + 2 * devicePixelRatio];
      // Over a line of the grid, which would strike it through.
      const width = ctx.measureText(label).width;
      ctx.clearRect(right - width, bbox.top - devicePixelRatio, width, 15 * devicePixelRatio);
      ctx.fillText(label, right, top);
    }
    ctx.restore();
  }

  private read(index: number | null | undefined): void {
    const value = index === null || index === undefined ? undefined : this.losses[index];
    this.reading.textContent = value === undefined ? '' : `step ${index! + 1}: ${lossText(value)}`;
  }
}
