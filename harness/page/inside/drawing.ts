/** The network as a drawing: its convolutions along a U, deeper levels lower, and lines for what flows between them. */

import { type Svg, svg } from '../../text/svg';
import type { InsideLayer } from '../messages/inside_messages';
import { drawSvg, make, makeButton } from '../shell/dom';
import { type MapGrid, paintMaps } from './shades';

/** A part of the drawing: a layer that opens, or one of the pictures at the ends. */
interface PartPlace {
  readonly name: string;
  readonly text: string;
  readonly size: string;
  readonly column: number;
  /** Levels down from the top. */
  readonly level: number;
  readonly opens: boolean;
}

const INPUT = 'noisy';
const OUTPUT = 'prediction';
/** The two linear layers are one part. */
const CONDITIONING = 'conditioning.output';

/** Room under a picture for two lines of text, and between levels. */
const TEXT = 38;
const LEVEL_GAP = 10;
/** The least width of a column, for the names under the pictures. */
const COLUMN = 60;
/** Deeper levels have fewer pixels, so their pictures are smaller. */
const SHRINK = [1, 0.8, 0.64];

export class NetworkDrawing {
  private readonly root: HTMLElement;
  private readonly open: (name: string) => void;
  private readonly lines = drawSvg(svg('svg', { class: 'net-lines', 'aria-hidden': 'true' }));
  private readonly parts = new Map<string, { element: HTMLElement; canvas: HTMLCanvasElement }>();
  private layers: readonly InsideLayer[] = [];
  private places: readonly PartPlace[] = [];

  constructor(root: HTMLElement, open: (name: string) => void) {
    this.root = root;
    this.open = open;
    new ResizeObserver(() => this.lay()).observe(root.parentElement!);
  }

  /** Draws another network, if it is another one. */
  of(layers: readonly InsideLayer[]): void {
    const key = (list: readonly InsideLayer[]) =>
      JSON.stringify(list.map((l) => [l.name, l.height, l.outChannels]));
    if (key(layers) === key(this.layers)) return;
    this.layers = layers;
    this.places = placesOf(layers);
    this.parts.clear();
    this.root.replaceChildren(this.lines, ...this.places.map((place) => this.part(place)));
    this.lay();
  }

  /** Draws maps into a part; `most` is the value of full ink. */
  show(name: string, maps: MapGrid, most: number): void {
    const part = this.parts.get(name);
    if (part) paintMaps(part.canvas, maps, most);
  }

  /** Marks the part that is open. */
  select(name: string): void {
    for (const [other, { element }] of this.parts)
      if (element instanceof HTMLButtonElement) element.ariaPressed = String(other === name);
  }

  /** Lights up parts, and no others. */
  light(names: ReadonlySet<string>): void {
    for (const [name, { element }] of this.parts) element.classList.toggle('lit', names.has(name));
  }

  private part({ name, text, size, opens }: PartPlace): HTMLElement {
    const canvas = make('canvas', { ariaHidden: 'true' });
    const element = opens ? makeButton('', () => this.open(name)) : make('div');
    element.className = 'net-part';
    const label = make('span', { className: 'net-name' }, text);
    element.append(canvas, label, make('span', { className: 'net-size' }, size));
    this.parts.set(name, { element, canvas });
    return element;
  }

  /** Places everything in the width that there is. */
  private lay(): void {
    if (this.places.length === 0) return;
    const room = this.root.parentElement!.clientWidth;
    const wide = extent(this.places, 'column');
    const places = room < wide * COLUMN ? folded(this.places) : this.places;
    const columns = extent(places, 'column');
    const width = Math.max(room, columns * COLUMN);
    const column = width / columns;
    const side = (level: number) => Math.min(84, column - 14) * (SHRINK[level] ?? 0.5);
    const tops: number[] = [];
    let y = 6;
    for (let level = 0; level < extent(places, 'level'); level++) {
      tops.push(y);
      y += side(level) + TEXT + LEVEL_GAP;
    }
    this.root.style.width = `${width}px`;
    this.root.style.height = `${y}px`;
    const boxes = new Map<string, Box>();
    for (const { name, column: at, level } of places) {
      const { element, canvas } = this.parts.get(name)!;
      const size = side(level);
      const x = (at + 0.5) * column;
      const top = tops[level];
      element.style.left = `${at * column}px`;
      element.style.top = `${top}px`;
      element.style.width = `${column}px`;
      canvas.style.width = `${size}px`;
      canvas.style.height = `${size}px`;
      boxes.set(name, { x, y: top + size / 2, half: size / 2 });
    }
    this.lines.setAttribute('width', String(width));
    this.lines.setAttribute('height', String(y));
    this.lines.replaceChildren(...linesOf(this.layers, boxes).map(drawSvg));
  }
}

const extent = (places: readonly PartPlace[], key: 'column' | 'level') =>
  Math.max(...places.map((place) => place[key])) + 1;

/** The way down in one column and the way up in another, if no two parts then stand in one place. */
function folded(places: readonly PartPlace[]): readonly PartPlace[] {
  const columnOf = ({ name, column }: PartPlace) =>
    name === OUTPUT ? 3 : name.startsWith('up.') ? 2 : Math.min(column, 1);
  const moved = places.map((place) => ({ ...place, column: columnOf(place) }));
  const spots = new Set(moved.map(({ column, level }) => `${column} ${level}`));
  return spots.size === moved.length ? moved : places;
}

/** The middle of a picture, and half its side. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly half: number;
}

function placesOf(layers: readonly InsideLayer[]): PartPlace[] {
  const convolutions = layers.filter(({ isConditioning }) => !isConditioning);
  const top = convolutions[0];
  const levelOf = ({ height }: InsideLayer) => Math.round(Math.log2(top.height / height));
  const deepest = Math.max(...convolutions.map(levelOf));
  const size = `${top.height}×${top.width}`;
  const conditioning = layers.find(({ name }) => name === CONDITIONING);
  const end = convolutions.length + 1;
  const picture = { size, level: 0, opens: false };
  return [
    { name: INPUT, text: 'noisy', column: 0, ...picture },
    ...(conditioning
      ? [
          {
            name: CONDITIONING,
            text: 'level, class',
            size: `${conditioning.outChannels} biases`,
            column: 0,
            level: Math.max(1, deepest),
            opens: true,
          },
        ]
      : []),
    ...convolutions.map((layer, i) => ({
      name: layer.name,
      text: layer.name,
      size: `${layer.height}×${layer.width} ×${layer.outChannels}`,
      column: i + 1,
      level: levelOf(layer),
      opens: true,
    })),
    { name: OUTPUT, text: 'prediction', column: end, ...picture },
  ];
}

/** Arrows from part to part, skip connections dashed, and the biases of the conditioning dotted. */
function linesOf(layers: readonly InsideLayer[], boxes: ReadonlyMap<string, Box>): Svg[] {
  const convolutions = layers.filter(({ isConditioning }) => !isConditioning);
  const chain = [INPUT, ...convolutions.map(({ name }) => name), OUTPUT].map((name) => boxes.get(name)!);
  const flow = chain.slice(1).map((to, i) => arrow(chain[i], to, 'flow'));
  const skips: Svg[] = [];
  const open: InsideLayer[] = [];
  convolutions.forEach((layer, i) => {
    if (layer.next === 'pool') open.push(layer);
    if (layer.next !== 'upsample') return;
    const from = boxes.get(open.pop()!.name)!;
    skips.push(arrow(from, boxes.get(convolutions[i + 1].name)!, 'skip'));
  });
  const conditioning = boxes.get(CONDITIONING);
  const biased = conditioning
    ? convolutions.slice(0, -1).map(({ name }) => biasLine(conditioning, boxes.get(name)!))
    : [];
  return [...biased, ...skips, ...flow];
}

/** From the right side of a part to the left side of another, or down or up to one in the same column. */
function arrow(from: Box, to: Box, kind: string): Svg {
  const group = { class: `net-${kind}` };
  if (from.x === to.x) {
    const down = to.y > from.y;
    const y0 = down ? from.y + from.half + TEXT - 2 : from.y - from.half - 2;
    const y1 = down ? to.y - to.half - 3 : to.y + to.half + TEXT;
    const back = down ? -4 : 4;
    return svg(
      'g',
      group,
      svg('path', { d: `M${from.x} ${y0}V${y1}` }),
      svg('path', { class: 'tip', d: `M${to.x - 3} ${y1 + back}L${to.x} ${y1}L${to.x + 3} ${y1 + back}` }),
    );
  }
  const x0 = from.x + from.half + 2;
  const x1 = to.x - to.half - 3;
  const bend = Math.max(6, (x1 - x0) / 2);
  return svg(
    'g',
    group,
    svg('path', { d: `M${x0} ${from.y}C${x0 + bend} ${from.y} ${x1 - bend} ${to.y} ${x1} ${to.y}` }),
    svg('path', { class: 'tip', d: `M${x1 - 4} ${to.y - 3}L${x1} ${to.y}L${x1 - 4} ${to.y + 3}` }),
  );
}

function biasLine(from: Box, to: Box): Svg {
  const x0 = from.x + from.half + 2;
  const x1 = to.x - to.half - 3;
  const bend = Math.min(30, (x1 - x0) / 2);
  const d = `M${x0} ${from.y}C${x1 - bend} ${from.y} ${x1 - bend} ${to.y} ${x1} ${to.y}`;
  return svg('g', { class: 'net-conditioning' }, svg('path', { d }));
}
