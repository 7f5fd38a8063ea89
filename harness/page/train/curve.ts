/**
 * The loss curve: every step's loss (faint), its running mean (strong), the loss on held-out images (points), and
 * marks at the end of each epoch and where the learning rate was changed.
 */
import 'uplot/dist/uPlot.min.css';
import type uPlot from 'uplot';
import { color, setText } from '../shell/dom';
import {
  type Columns,
  type Curves,
  curveColumns,
  Line,
  linearRange,
  logRange,
  type Reading,
  readCurves,
  xEnd,
} from './curve_data';

export type Scale = 'linear' | 'log';

const REDRAW_MS = 200;
/** A number on an axis, in few letters. */
const short = (v: number) => (Math.abs(v) < 1e4 ? String(Number(v.toPrecision(3))) : v.toExponential(0));

const nothing: Curves = {
  losses: [],
  heldOut: [],
  rates: [],
  batch: 1,
  stepsPerEpoch: 1,
  recipe: 'tutorial',
};

export class Curve {
  private readonly host: HTMLElement;
  private readonly reading: Partial<Record<keyof Reading, HTMLElement>>;
  /** The library, which comes with the first number. */
  private uPlot: typeof uPlot | undefined;
  private isComing = false;
  private plot: uPlot | undefined;
  private scale: Scale = 'linear';
  private curves = nothing;
  private columns: Columns = [[]];
  private line: Line | undefined;
  private drawnAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `reading` gets the values under the pointer. */
  constructor(host: HTMLElement, reading: Partial<Record<keyof Reading, HTMLElement>>) {
    this.host = host;
    this.reading = reading;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(host);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.rebuild());
  }

  setScale(scale: Scale): void {
    this.scale = scale;
    this.rebuild();
  }

  set(curves: Curves): void {
    const before = this.curves;
    if ((Object.keys(curves) as (keyof Curves)[]).every((key) => curves[key] === before[key])) return;
    this.curves = curves;
    const wait = this.drawnAt + REDRAW_MS - performance.now();
    if (wait <= 0 || curves.losses.length === 0) this.draw();
    else this.timer ??= setTimeout(() => this.draw(), wait);
  }

  /** Brings the lines that there are up to date. */
  private draw(): void {
    if (!this.plot || this.isEmpty()) this.rebuild();
    else {
      this.prepare();
      this.plot.setData(this.columns as uPlot.AlignedData);
    }
  }

  private isEmpty(): boolean {
    return this.curves.losses.length === 0;
  }

  private prepare(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnAt = performance.now();
    this.line = Line.of(this.curves.losses, this.curves.batch, this.line);
    this.columns = curveColumns(this.curves, this.line);
  }

  private size(): { width: number; height: number } {
    return { width: this.host.clientWidth, height: this.host.clientHeight };
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    if (this.isEmpty()) return;
    if (!this.uPlot) {
      void this.load();
      return;
    }
    this.prepare();
    const options = { ...this.size(), ...this.options(), series: this.series() };
    this.plot = new this.uPlot(options, this.columns as uPlot.AlignedData, this.host);
    this.plot.ctx.canvas.addEventListener('contextrestored', () => this.rebuild());
  }

  private async load(): Promise<void> {
    if (this.isComing) return;
    this.isComing = true;
    const library = await import('uplot').catch(() => undefined);
    this.isComing = false;
    // If it has failed, the next loss tries again.
    if (!library) return;
    this.uPlot = library.default;
    this.rebuild();
  }

  private series(): uPlot.Series[] {
    const line = (name: string, width = 2): uPlot.Series => ({
      stroke: color(name),
      width,
      points: { show: false },
    });
    const single: uPlot.Series.Points.Show = (_, __, from, to) => to === from;
    return [
      {},
      { ...line('--accent', 1), alpha: 0.35, points: { show: single } },
      line('--accent'),
      { ...line('--ink', 1), spanGaps: true, points: { show: true, size: 5, fill: color('--ink') } },
    ];
  }

  private options(): Omit<uPlot.Options, 'width' | 'height' | 'series'> {
    const axis: uPlot.Axis = {
      font: '12px system-ui, sans-serif',
      labelFont: '12px system-ui, sans-serif',
      labelSize: 16,
      labelGap: 0,
      stroke: color('--muted'),
      grid: { stroke: color('--line'), width: 1 },
      ticks: { show: false },
    };
    const yRange = () =>
      this.scale === 'log' ? logRange(this.columns) : linearRange(this.columns, this.curves);
    return {
      padding: [8, 16, 0, 0], // room for half of the last label, "1,000"
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: {
        x: { time: false, range: () => [0, xEnd(this.curves, this.columns[0].at(-1) ?? 0) + 0.5] },
        y: { distr: this.scale === 'log' ? 3 : 1, range: yRange },
      },
      axes: [
        {
          ...axis,
          label: 'step',
          size: 24,
          grid: { show: false },
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5],
        },
        {
          ...axis,
          label: 'loss',
          size: 44,
          values: (_, ticks) => ticks.map((v) => (v === null ? '' : short(v))),
        },
      ],
      hooks: {
        drawAxes: [(plot) => drawMarks(plot, this.curves)],
        setCursor: [(plot) => this.read(plot.cursor.idx)],
      },
    };
  }

  private read(index: number | null | undefined): void {
    const reading = readCurves(this.curves, this.columns, index);
    for (const [part, element] of Object.entries(this.reading))
      setText(element, reading[part as keyof Reading]);
  }
}

// ---------------------------------------------------------------- marks

/** Epoch marks closer than this are left out. */
const MIN_MARK_PIXELS = 24;

function drawMarks(plot: uPlot, curves: Curves): void {
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
