/** Accepted samples by seconds of training, of the recipes that race, as an SVG file. Pure. */
import { type Svg, svg, svgFile } from '../../text/svg';

/** A measurement, as the study writes it. */
export interface RacePoint {
  readonly name: string;
  readonly seed: number;
  readonly step: number;
  /** Images of a step. */
  readonly batch: number;
  readonly accepted: number;
}

interface Runner {
  /** The study's name. */
  readonly name: string;
  readonly label: string;
  /** Milliseconds of a training step. */
  readonly milliseconds: number;
}

/** The share that the race is to. */
const GOAL = 0.92;
const [WIDTH, HEIGHT] = [800, 420];
const plot = { left: 56, right: WIDTH - 24, top: 64, bottom: HEIGHT - 52 };
const colours = ['#b3331f', '#2f6cb0', '#d08a1d', '#3c8d53', '#7b4fa3'];
const colourOf = (runner: number) => colours[runner % colours.length];
const css = `text{font:13px system-ui,sans-serif;fill:#444}.title{font-size:17px;font-weight:600;fill:#111}.grid{stroke:#e4e4e4}
.goal{stroke:#888;stroke-dasharray:4 3}.axis{stroke:#888;fill:none}polyline{fill:none;stroke-width:2}circle{fill-opacity:.55}`;

/** A line through the mean of all seeds for each runner, and a dot for each seed. */
export function raceSvg(measured: readonly RacePoint[], runners: readonly Runner[]): string {
  const own = runners.map(({ name }) => measured.filter((of) => of.name === name));
  const seeds = [...new Set(own.flat().map(({ seed }) => seed))].sort();
  const subtitle = `seeds ${seeds.join(', ')} and their mean; the dashed line is 92%`;
  const points = runners.map(({ milliseconds }, i) =>
    own[i].map(({ step, accepted }) => ({ accepted, seconds: (step * milliseconds) / 1000 })),
  );
  const end = Math.max(...points.flat().map(({ seconds }) => seconds));
  const x = (seconds: number) => round(plot.left + ((plot.right - plot.left) * seconds) / end);
  const y = (share: number) => round(plot.bottom - (plot.bottom - plot.top) * share);
  const across = (share: number, name: string) =>
    svg('line', { class: name, x1: plot.left, x2: plot.right, y1: y(share), y2: y(share) });
  const shares = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((share) => [
    across(share, 'grid'),
    text(plot.left - 8, y(share) + 4, 'end', `${Math.round(share * 100)}%`),
  ]);
  const every = [10, 20, 50, 100, 200, 500].find((of) => end / of <= 10) ?? 1000;
  const seconds = Array.from({ length: Math.floor(end / every) + 1 }, (_, i) => every * i).map((of) =>
    text(x(of), plot.bottom + 20, 'middle', String(of)),
  );
  const lines = points.flatMap((of, i) => {
    const times = [...new Set(of.map((dot) => dot.seconds))].sort((a, b) => a - b);
    const means = times.map((at) => {
      const seeds = of.filter((dot) => dot.seconds === at);
      return [at, mean(seeds.map((dot) => dot.accepted))] as const;
    });
    return [
      svg('polyline', {
        stroke: colourOf(i),
        points: means.map(([at, share]) => `${x(at)},${y(share)}`).join(' '),
      }),
      ...of.map((dot) =>
        svg('circle', { fill: colourOf(i), cx: x(dot.seconds), cy: y(dot.accepted), r: 3.5 }),
      ),
    ];
  });
  const legend = runners.flatMap(({ label, milliseconds }, i) => {
    const height = plot.bottom - 18 - 22 * (runners.length - 1 - i);
    const what = `${label}: ${own[i][0].batch} images a step, ${milliseconds} ms`;
    return [
      svg('circle', { fill: colourOf(i), cx: plot.right - 330, cy: height - 4, r: 5 }),
      text(plot.right - 316, height, 'start', what),
    ];
  });
  const drawing = svg(
    'svg',
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      width: WIDTH,
      height: HEIGHT,
      role: 'img',
      'aria-label': 'Accepted samples by seconds of training',
    },
    svg('rect', { width: WIDTH, height: HEIGHT, fill: '#fff' }),
    svg('text', { class: 'title', x: plot.left, y: 26 }, 'Accepted samples by seconds of training'),
    text(plot.left, 46, 'start', subtitle),
    ...shares,
    across(GOAL, 'goal'),
    svg('path', { class: 'axis', d: `M${plot.left},${plot.top} V${plot.bottom} H${plot.right}` }),
    ...seconds,
    text((plot.left + plot.right) / 2, HEIGHT - 12, 'middle', 'seconds of training steps'),
    ...lines,
    ...legend,
  );
  return svgFile(drawing, css);
}

const text = (x: number, y: number, anchor: string, of: string): Svg =>
  svg('text', { x, y, 'text-anchor': anchor }, of);
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
const round = (value: number) => Math.round(value * 10) / 10;
