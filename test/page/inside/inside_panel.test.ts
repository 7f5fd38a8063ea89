/** A training step in slow motion on the Inside view: of which network it is, and when it is made. No browser. */
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import type {
  InsideAnswer,
  InsideLayer,
  InsideOrder,
  Looked,
} from '../../../harness/page/messages/inside_messages';
import { initialSettings, type NetworkSource, withRecipe } from '../../../harness/page/messages/settings';
import type { App } from '../../../harness/page/shell/app';
import { initialState } from '../../../harness/page/shell/state';
import { lost, standIns } from '../../lib/page/stand_ins';

vi.hoisted(() => vi.stubGlobal('matchMedia', () => ({ matches: true, addEventListener() {} })));
let element = standIns('');
afterAll(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

vi.mock('../../../harness/page/inside/shades', async (original) => ({ ...(await original()), paint() {} }));
vi.mock('../../../harness/page/inside/dispatch_list', () => ({ DispatchList: class {} }));
vi.mock('../../../harness/page/inside/drawing', () => ({
  NetworkDrawing: class {
    of() {}
    show() {}
    select() {}
    light() {}
  },
}));
vi.mock('../../../harness/page/inside/part_view', async (original) => ({
  ...(await original()),
  PartView: class {
    show() {}
    mark() {}
  },
}));
const { createInsidePanel } = await import('../../../harness/page/inside/inside_panel');

const layer: InsideLayer = {
  name: '',
  height: 2,
  width: 2,
  inChannels: 1,
  outChannels: 1,
  kernelSize: 1,
  parameters: 2,
  activation: 'none',
  residual: false,
  next: 'output',
  isConditioning: false,
};

/** What the worker answers about a network whose only layer is called after the recipe. */
function answered(order: InsideOrder, name: string): InsideAnswer {
  const { picture } = order as Extract<InsideOrder, { kind: 'look' | 'step' }>;
  const maps = { [name]: new Float32Array(4) };
  const pixels = new Uint8Array(4);
  const looked: Looked = {
    kind: 'looked',
    picture,
    objective: 'flow',
    layers: [{ ...layer, name }],
    classes: 0,
    height: 2,
    width: 2,
    channels: 1,
    choices: new Uint8Array(40),
    labels: [...Array(10).keys()],
    noisy: pixels,
    prediction: pixels,
    activations: maps,
    preActivations: maps,
    kernels: new Float32Array(1),
  };
  if (order.kind === 'look') return looked;
  return {
    kind: 'stepped',
    picture,
    images: 16,
    loss: 1,
    learningRate: 1,
    norm: 1,
    clean: pixels,
    noisy: pixels,
    output: maps[name],
    target: maps[name],
    activations: maps,
    gradients: maps,
    gradientNorms: { [name]: 1 },
    changes: { [name]: 1 },
    kernels: { before: new Float32Array(1), after: new Float32Array(1) },
  };
}

/** The view of a page that rests, and what it asks the worker for. */
function inside(lookedInto: NetworkSource = 'pretrained') {
  const orders: { order: InsideOrder; answer(answer: InsideAnswer): void }[] = [];
  const app = {
    settings: initialSettings,
    state: { ...initialState, phase: 'idle' },
    lookedInto,
    source: lookedInto,
    replacements: 0,
    changed() {},
    ask: (_: string, order: InsideOrder) =>
      new Promise<InsideAnswer>((answer) => orders.push({ order, answer })),
  };
  const panel = createInsidePanel(app as unknown as App, { open() {}, listed() {} });
  /** Draws the view anew, and says what it has asked for and awaits. */
  const draw = () => {
    panel.render();
    return orders.map(({ order }) => order.kind);
  };
  /** The worker answers what it was asked first, about the network of the page's recipe or of another. */
  const answer = async (name: string = app.settings.recipe) => {
    const { order, answer } = orders.shift()!;
    answer(answered(order, name));
    await vi.advanceTimersByTimeAsync(0);
  };
  const make = () => element('slow-make').click();
  return { app, panel, orders, draw, answer, make };
}

/** The same once it shows the network. */
async function seen(lookedInto?: NetworkSource) {
  const page = inside(lookedInto);
  page.draw();
  await page.answer();
  return page;
}

beforeEach(() => {
  vi.useFakeTimers();
  element = standIns('');
  Object.assign(element('inside-list'), { open: false });
});

/** The text about the stage that is shown; undefined if no step is. */
const stage = () => (element('stages').hidden ? undefined : element('stage-text').textContent);

type Page = ReturnType<typeof inside>;
const anotherRecipe = ({ app }: Page) => {
  app.settings = withRecipe(app.settings, 'tutorial');
};
const otherWidths = ({ app }: Page) => {
  app.settings = { ...app.settings, widths: [8] };
};
const reset = ({ panel }: Page) => panel.receive!({ type: 'patch', patch: { run: undefined } });
const anotherFile = ({ app }: Page) => {
  app.replacements++;
};

test.each<[string, NetworkSource, (page: Page) => void]>([
  ['of another recipe', 'pretrained', anotherRecipe],
  ['of other widths', 'run', otherWidths],
  ['of another run', 'run', reset],
  ['of another file', 'file', anotherFile],
])('a step in slow motion does not stay over a network %s', async (_, source, change) => {
  const page = await seen(source);
  page.make();
  expect(page.draw()).toEqual(['step']);
  await page.answer();
  expect(stage()).toMatch(/^16 images are mixed with noise/);
  expect(element('inside-norms-of').textContent).toBe('of the step in slow motion');
  change(page);
  expect(page.draw()).toEqual(['look']);
  await page.answer();
  expect({ stage: stage(), hidden: element('inside-norms-box').hidden }).toEqual({
    stage: undefined,
    hidden: true,
  });
});

test('a step that is asked for while the network is looked at is made right after that', async () => {
  const { draw, answer, make } = await seen();
  element('inside-level').value = '50';
  expect(draw()).toEqual(['look']);
  make();
  expect(draw()).toEqual(['look']);
  await answer();
  expect(draw()).toEqual(['step']);
  // It is under way.
  make();
  await answer();
  expect(draw()).toEqual([]);
  expect(stage()).toMatch(/with 50 %/);
});

test.each<[string, (page: Page) => void]>([
  ['another network is chosen', anotherRecipe],
  ['the run is reset', reset],
  ['the device is lost', ({ panel }) => panel.receive!(lost)],
])('a step that waits for a look is not made after %s', async (_, change) => {
  const page = await seen();
  element('inside-level').value = '50';
  page.draw();
  page.make();
  change(page);
  page.draw();
  await page.answer();
  while (page.draw().length > 0) {
    expect(page.draw()).toEqual(['look']);
    await page.answer();
  }
});
