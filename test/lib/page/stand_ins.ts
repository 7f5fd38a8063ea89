/** As much of a page as its views use, without a browser: elements that are made as they are asked for, and show no pixels. */
import { vi } from 'vitest';
import type { EventOf } from '../../../harness/page/messages/messages';

export class StandIn {
  [key: string]: unknown;
  textContent = '';
  value = '';
  disabled = false;
  clientWidth = 280;
  labels = [];
  options = [];
  childNodes = [];
  children: unknown[] = [];
  htmlFor = { add() {} };
  style = { setProperty() {} };
  dataset = {};
  classList = { add() {}, toggle() {}, contains: () => false };
  readonly attributes = new Map<string, string>();
  private readonly listeners = new Map<string, ((event?: object) => void)[]>();
  private parent: StandIn | undefined;

  get parentElement(): StandIn {
    this.parent ??= new StandIn();
    return this.parent;
  }
  addEventListener(type: string, listener: () => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }
  fire(type: string, event?: object): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }
  click(): void {
    this.fire('click');
  }
  getAttribute(name: string): string {
    return this.attributes.get(name) ?? '';
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }
  append(...children: unknown[]): void {
    this.children.push(...children);
  }
  prepend(): void {}
  contains(): boolean {
    return false;
  }
  replaceChildren(...children: unknown[]): void {
    this.children = children;
  }
  appendChild<T>(child: T): T {
    this.children.push(child);
    return child;
  }
  get firstChild(): unknown {
    return this.children[0];
  }
  closest(): StandIn {
    return this.parentElement;
  }
  insertCell(): StandIn {
    return new StandIn();
  }
  insertRow(): StandIn {
    return new StandIn();
  }
  createTHead(): StandIn {
    return new StandIn();
  }
  createTBody(): StandIn {
    return new StandIn();
  }
  get cells(): StandIn[] {
    return [new StandIn()];
  }
  get tBodies(): StandIn[] {
    return [new StandIn()];
  }
  querySelector(): StandIn {
    return new StandIn();
  }
  querySelectorAll(): StandIn[] {
    return [];
  }
  getContext(): object {
    return { canvas: this, putImageData() {}, fillRect() {}, drawImage() {} };
  }
}

/** Puts them in place of the browser's, for a page with this query; `vi.unstubAllGlobals` ends it. Returns the element with an id. */
export function standIns(query: string): (id: string) => StandIn {
  const elements = new Map<string, StandIn>();
  const element = (id: string) => elements.get(id) ?? elements.set(id, new StandIn()).get(id)!;
  for (const name of [
    '',
    'Anchor',
    'Button',
    'Canvas',
    'Form',
    'Input',
    'Progress',
    'Select',
    'Table',
    'Details',
    'DataList',
  ])
    vi.stubGlobal(`HTML${name}Element`, StandIn);
  vi.stubGlobal('Option', StandIn);
  vi.stubGlobal('OffscreenCanvas', StandIn);
  vi.stubGlobal('ImageData', StandInPixels);
  vi.stubGlobal('ResizeObserver', StandInObserver);
  vi.stubGlobal('devicePixelRatio', 1);
  vi.stubGlobal('navigator', { onLine: true });
  vi.stubGlobal('addEventListener', () => {});
  vi.stubGlobal('matchMedia', () => ({ addEventListener() {} }));
  vi.stubGlobal('getComputedStyle', () => ({ color: 'rgb(0, 0, 0)' }));
  vi.stubGlobal('history', { pushState() {}, replaceState() {} });
  const storage = { getItem: () => null, setItem() {} };
  vi.stubGlobal('localStorage', storage);
  vi.stubGlobal('sessionStorage', storage);
  vi.stubGlobal('location', { search: query, pathname: '/', href: `http://x/${query}` });
  vi.stubGlobal('document', {
    visibilityState: 'visible',
    activeElement: null,
    body: new StandIn(),
    addEventListener() {},
    getElementById: element,
    createElement: () => new StandIn(),
    createElementNS: () => new StandIn(),
  });
  return element;
}

/** The elements that are made from now on. */
export function madeElements(): StandIn[] {
  const made: StandIn[] = [];
  Object.assign(document, { createElement: () => made[made.push(new StandIn()) - 1] });
  return made;
}

/** In place of the browser's storage, what is given is stored. Returns what is. */
export function standInStorage(stored: Record<string, string> = {}): Record<string, string> {
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored[key] ?? null,
    setItem: (key: string, value: string) => {
      stored[key] = value;
    },
  });
  return stored;
}

/** In place of the training worker's client: `answer` gets the name of each call and its arguments. */
export const standInWorker = (answer: (name: string, ...args: never[]) => unknown): object =>
  new Proxy(
    {},
    {
      get:
        (_, name: string) =>
        (...args: never[]) =>
          Promise.resolve(answer(name, ...args)),
    },
  );

/** The device is lost, and no run goes on by itself. */
export const lost: EventOf<'lost'> = {
  type: 'lost',
  message: 'Lost.',
  reason: 'unknown',
  step: 0,
  losses: Float32Array.of(),
  again: false,
  recovers: false,
  advice: undefined,
};

class StandInPixels {
  data = { set() {} };

  constructor(data: ArrayLike<number>) {
    // As browsers do.
    if (data.length === 0) throw new Error('A picture without pixels');
  }
}

class StandInObserver {
  observe(): void {}
}
