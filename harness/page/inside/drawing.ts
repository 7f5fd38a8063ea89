/** The network as a drawing: its convolutions along a U, deeper levels lower, and lines for what flows between them. */

import type { InsideLayer } from './protocol';
import { type Maps, paint } from './shades';

/** A part of the drawing: a layer that opens, or one of the pictures at the ends. */
interface Place {
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
const TOLD = 'conditioning.output';

/** Room under a picture for two lines of text, and between levels. */
const TEXT = 38;
const LEVEL_GAP = 10;

export class Drawing {
  private readonly root: HTMLElement;
  private readonly open: (name: string) => void;
  private readonly lines = svg('svg', { class: 'net-lines', 'aria-hidden': 'true' });
  private readonly parts = new Map<string, { element: HTMLElement; canvas: HTMLCanvasElement }>();
  private layers: readonly InsideLayer[] = [];
  private places: readonly Place[] = [];

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

  /** What a part shows; `most` is what full ink stands for. */
  show(name: string, maps: Maps, most: number): void {
    const part = this.parts.get(name);
    if (part) paint(part.canvas, maps, most);
  }

  /** Marks the part that is open. */
  select(name: string): void {
    for (const [other, { element }] of this.parts)
      if (element instanceof HTMLButtonElement) element.setAttribute('aria-pressed', String(other === name));
  }

  /** Lights up parts, and no others. */
  light(names: ReadonlySet<string>): void {
    for (const [name, { element }] of this.parts) element.classList.toggle('lit', names.has(name));
  }

  private part({ name, text, size, opens }: Place): HTMLElement {
    const canvas = document.createElement('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    const element = document.createElement(opens ? 'button' : 'div');
    if (element instanceof HTMLButtonElement) {
      element.type = 'button';
      element.addEventListener('click', () => this.open(name));
    }
    element.className = 'net-part';
    const label = Object.assign(document.createElement('span'), { className: 'net-name', textContent: text });
    const detail = Object.assign(document.createElement('span'), {
      className: 'net-size',
      textContent: size,
    });
    element.append(canvas, label, detail);
    this.parts.set(name, { element, canvas });
    return element;
  }

  /** Places everything in the width that there is. */
  private lay(): void {
    if (this.places.length === 0) return;
    const columns = Math.max(...this.places.map(({ column }) => column)) + 1;
    const width = Math.max(this.root.parentElement!.clientWidth, columns * 36);
    const column = width / columns;
    const side = (level: number) =>
      Math.max(22, Math.min(84, column - 8) * (level === 0 ? 1 : level === 1 ? 0.8 : 0.64));
    const tops: number[] = [];
    const levels = Math.max(...this.places.map(({ level }) => level)) + 1;
    for (let level = 0, y = 6; level < levels; level++) {
      tops.push(y);
      y += side(level) + TEXT + LEVEL_GAP;
    }
    const height = tops[levels - 1] + side(levels - 1) + TEXT + 4;
    this.root.style.width = `${width}px`;
    this.root.style.height = `${height}px`;
    const boxes = new Map<string, Box>();
    for (const { name, column: at, level } of this.places) {
      const { element, canvas } = this.parts.get(name)!;
      const size = side(level);
      const centre = (at + 0.5) * column;
      element.style.left = `${at * column}px`;
      element.style.top = `${tops[level]}px`;
      element.style.width = `${column}px`;
      canvas.style.width = `${size}px`;
      canvas.style.height = `${size}px`;
      const y = tops[level];
      boxes.set(name, {
        left: centre - size / 2,
        right: centre + size / 2,
        middle: y + size / 2,
        bottom: y + size,
        centre,
      });
    }
    this.lines.setAttribute('width', String(width));
    this.lines.setAttribute('height', String(height));
    this.lines.replaceChildren(...linesOf(this.layers, boxes));
  }
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly middle: number;
  readonly bottom: number;
  readonly centre: number;
}

function placesOf(layers: readonly InsideLayer[]): Place[] {
  const convolutions = layers.filter(({ told }) => !told);
  const top = convolutions[0];
  const levelOf = ({ height }: InsideLayer) => Math.round(Math.log2(top.height / height));
  const deepest = Math.max(...convolutions.map(levelOf));
  const size = `${top.height}×${top.width}`;
  const told = layers.find(({ name }) => name === TOLD);
  const end = convolutions.length + 1;
  const picture = { size, level: 0, opens: false };
  return [
    { name: INPUT, text: 'noisy', column: 0, ...picture },
    ...(told
      ? [
          {
            name: TOLD,
            text: 'told',
            size: `${told.outChannels} biases`,
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

/** Arrows from part to part, skip connections dashed, and what is told dotted. */
function linesOf(layers: readonly InsideLayer[], boxes: ReadonlyMap<string, Box>): SVGElement[] {
  const convolutions = layers.filter(({ told }) => !told);
  const chain = [INPUT, ...convolutions.map(({ name }) => name), OUTPUT].map((name) => boxes.get(name)!);
  const flow = chain.slice(1).map((to, i) => arrow(chain[i], to, 'flow'));
  const skips: SVGElement[] = [];
  const open: InsideLayer[] = [];
  convolutions.forEach((layer, i) => {
    if (layer.next === 'pool') open.push(layer);
    if (layer.next !== 'upsample') return;
    const from = boxes.get(open.pop()!.name)!;
    skips.push(arrow(from, boxes.get(convolutions[i + 1].name)!, 'skip'));
  });
  const told = boxes.get(TOLD);
  const biased = told ? convolutions.slice(0, -1).map(({ name }) => biasLine(told, boxes.get(name)!)) : [];
  return [...biased, ...skips, ...flow];
}

function arrow(from: Box, to: Box, kind: string): SVGElement {
  const [x0, y0, x1, y1] = [from.right + 2, from.middle, to.left - 3, to.middle];
  const bend = Math.max(6, (x1 - x0) / 2);
  const path =
    y0 === y1 ? `M${x0} ${y0}H${x1}` : `M${x0} ${y0}C${x0 + bend} ${y0} ${x1 - bend} ${y1} ${x1} ${y1}`;
  const group = svg('g', { class: `net-${kind}` });
  group.append(
    svg('path', { d: path }),
    svg('path', { class: 'tip', d: `M${x1 - 4} ${y1 - 3}L${x1} ${y1}L${x1 - 4} ${y1 + 3}` }),
  );
  return group;
}

const biasLine = (from: Box, to: Box): SVGElement => {
  const group = svg('g', { class: 'net-told' });
  const y = to.middle;
  group.append(
    svg('path', {
      d: `M${from.right + 2} ${from.middle}C${to.left - 30} ${from.middle} ${to.left - 30} ${y} ${to.left - 3} ${y}`,
    }),
  );
  return group;
};

function svg(tag: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
