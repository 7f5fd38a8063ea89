/** The training that fits into the minutes of the user: batch and epochs, chosen when a run begins and again when its speed is known. */
import { type Recipe, recipes } from '../../../src/recipes';
import { stepsPerEpoch } from '../../../src/training/epoch';
import type { App } from '../shell/app';
import { anyElement, button, setText } from '../shell/dom';
import { RATE, whyNew } from '../shell/fine_tune';
import { adapterLabel, duration, measured, whole } from '../shell/format';
import { heldOutOf, initialOf, type Key, type Settings, show } from '../shell/settings';
import type { DataDescription, WorkerEvent } from '../worker/messages';

/** Stands for the digits until they are loaded. */
export const digits: DataDescription = {
  name: '',
  builtIn: true,
  count: 10_000,
  height: 28,
  width: 28,
  channels: 1,
  classes: 10,
};

/** The images that a run of these settings trains on. */
export function trainedImages({ state: { data = digits }, settings }: App): number {
  const count = settings.limit > 0 ? Math.min(settings.limit, data.count) : data.count;
  return Math.max(0, count - heldOutOf(settings, count));
}

/** After this number of updates the samples of small sets can be recognised. */
const UPDATES = 300;
/** Minutes, unless the user says another number. */
const MINUTES = 3;
const BATCHES = [64, 32, 16] as const;
const LEAST = 16;
/** The recipe `digits` sees this number of images: 840 batches of 64. */
const IMAGES = 53_760;

export interface Plan {
  readonly batch: number;
  readonly epochs: number;
  /** The time at which training ends, if its epochs last longer; 0: they do not. */
  readonly minutes: number;
  readonly steps: number;
  /** The time of these steps; NaN if the speed is not known. */
  readonly seconds: number;
  /** Whether the 300 updates fit into the minutes. */
  readonly fits: boolean;
}

/**
 * The largest batch up to 64 of which 300 updates fit into `minutes`; 16 if none does, and never more than there are images. Then the epochs
 * that fit, 300 updates or more, up to as many images as the recipe sees. Pure.
 *
 * @param count training images
 * @param imagesPerSecond the speed of training; undefined if it is not known
 * @param given the batch, if it is chosen already
 */
export function planOf(
  { count, dropLast }: { readonly count: number; readonly dropLast?: boolean | undefined },
  imagesPerSecond: number | undefined,
  minutes: number,
  given?: number,
): Plan {
  const speed = imagesPerSecond ?? Number.POSITIVE_INFINITY;
  const room = 60 * minutes * speed;
  const batch = given ?? Math.min(count, BATCHES.find((each) => UPDATES * each <= room) ?? LEAST);
  const perEpoch = stepsPerEpoch({ imageCount: count, batchSize: batch, dropLast });
  const wanted = Math.max(UPDATES, Math.floor(Math.min(IMAGES, room) / batch));
  const epochs = Math.max(Math.ceil(UPDATES / perEpoch), Math.floor(wanted / perEpoch));
  const fits = UPDATES * batch <= room;
  const most = fits ? Math.floor(room / batch) : UPDATES;
  const steps = Math.min(perEpoch * epochs, most);
  const seconds = (steps * batch) / speed;
  const ends = perEpoch * epochs <= most;
  return {
    ...{ batch, epochs, steps, fits },
    minutes: ends ? 0 : fits ? minutes : Math.ceil(seconds / 60),
    seconds: imagesPerSecond === undefined ? Number.NaN : seconds,
  };
}

/** What a plan sets; a software adapter also makes fewer live samples, so that new ones come every few seconds. */
const PLANNED = ['batch', 'epochs', 'minutes', 'samples'] as const satisfies readonly Key[];
type Planned = Pick<Settings, (typeof PLANNED)[number]>;
const SOFTWARE_SAMPLES = 10;

/**
 * The speed of a run is measured over these times, in seconds, from its second step on: between the first two the engine checks what the GPU
 * computes. The first pictures also compile, which the second time does not see.
 */
const SPANS = [5, 20];

export interface Planner {
  /** Plans a run that is about to begin, unless the user has chosen batch or epochs. Call this before each step or training. */
  begin(): void;
  /** The plan of the run, in words; empty if it has none. */
  readonly words: string;
  /** What `begin` is going to plan, as a sentence; undefined if it plans nothing. */
  readonly ahead: string | undefined;
  receive(event: WorkerEvent): void;
  render(): void;
}

export function createPlanner(app: App): Planner {
  /** The values that the last plan set, and the minutes that it was asked for. */
  let set: (Planned & { readonly asked: number }) | undefined;
  /** Where the time that is measured began. */
  let since: { readonly at: number; readonly step: number } | undefined;
  let spans = 0;
  /** The plan of the run, while it has one. */
  let current: Plan | undefined;

  const isSet = () => app.settings.batch === set?.batch && app.settings.epochs === set?.epochs;
  const isOpen = () => {
    const { settings } = app;
    const usual = initialOf(settings.recipe);
    const isUsual = settings.batch === usual.batch && settings.epochs === usual.epochs;
    return settings.begin === 'new' && (isUsual || isSet());
  };
  const minutes = () => (app.settings.minutes === set?.minutes ? set.asked : app.settings.minutes) || MINUTES;
  const plan = (speed: number | undefined, batch?: number) => {
    const { fit }: Recipe = recipes[app.settings.recipe];
    return planOf({ count: trainedImages(app), dropLast: fit.dropLast }, speed, minutes(), batch);
  };
  const apply = (next: Plan) => {
    const { settings, state } = app;
    const asked = minutes();
    const few = state.adapter?.software && settings.samples === initialOf(settings.recipe).samples;
    const values = { ...next, samples: few ? SOFTWARE_SAMPLES : settings.samples };
    for (const key of PLANNED)
      if (values[key] !== settings[key]) app.set(key, show(key, { ...settings, ...values }));
    const { batch, epochs, samples } = values;
    set = { batch, epochs, samples, minutes: next.minutes, asked };
    current = next;
  };

  const render = connectSlow(app, () => current);

  return {
    begin() {
      since = undefined;
      spans = 0;
      if (app.state.run) return;
      current = undefined;
      if (!isOpen()) return;
      const speed = knownSpeed(app);
      // Of an unknown software adapter little is expected.
      const small = speed === undefined && app.state.adapter?.software;
      apply(plan(speed, small ? Math.min(LEAST, trainedImages(app)) : undefined));
    },
    get words() {
      if (!current || !isSet()) return '';
      const { batch, steps, seconds, fits } = current;
      const what = `${whole(steps)} steps of ${whole(batch)} images`;
      if (Number.isNaN(seconds))
        return `Planned: up to ${what}; the first seconds show how many fit into ${minutes()} min`;
      return `Planned: ${what}${fits ? `, in at most ${minutes()} min` : ''}`;
    },
    get ahead() {
      if (app.state.run || !isOpen()) return undefined;
      return `Train plans ${UPDATES} steps or more, in ${minutes()} min if they fit.`;
    },
    receive(event) {
      if (event.type === 'freed') current = undefined;
      // Time in which nothing trains says nothing of the speed.
      if (event.type === 'freed' || (event.type === 'phase' && !event.training)) since = undefined;
      if (event.type !== 'loss') return;
      const now = performance.now() / 1000;
      const step = app.state.losses.length;
      if (step < 2) return;
      since ??= { at: now, step };
      if (spans >= SPANS.length || step < since.step + 2 || now < since.at + SPANS[spans]) return;
      spans++;
      const speed = ((step - since.step) * app.settings.batch) / (now - since.at);
      since = { at: now, step };
      rememberSpeed(app, speed);
      // A run that goes on has no plan.
      if (!current || !isOpen()) return;
      apply(plan(speed, app.settings.batch));
    },
    render,
  };
}

/** Connects what the page offers where the least number of updates takes longer than the minutes; returns what shows it. */
function connectSlow(app: App, current: () => Plan | undefined): () => void {
  const again = (change: () => void) => {
    app.send('reset');
    change();
  };
  button('plan-smaller').addEventListener('click', () => {
    const { height, width } = app.state.data ?? digits;
    const side = [48, 32, 24, 16].find((each) => each < Math.min(height, width))!;
    again(() => app.set('size', String(side)));
  });
  button('plan-pretrained').addEventListener('click', () =>
    again(() => {
      app.set('begin', 'pretrained');
      app.set('lr', String(RATE));
    }),
  );
  return () => {
    const plan = current();
    const isSlow = plan && !plan.fits;
    anyElement('plan').hidden = !isSlow;
    if (!isSlow) return;
    const { data = digits } = app.state;
    const speed = (plan.steps * plan.batch) / plan.seconds;
    setText(
      anyElement('plan-text'),
      `${UPDATES} updates, which a network needs to make something that can be recognised, take ${duration(plan.seconds)} here: it trains on ${measured(speed)} images a second.`,
    );
    button('plan-smaller').hidden = !data.pictures || Math.min(data.height, data.width) <= LEAST;
    button('plan-pretrained').hidden = whyNew(app.settings, data) !== undefined;
  };
}

/** How long a run of these settings takes here, as far as an earlier run has shown; undefined if none has. */
export function expectedTime(app: App, steps: number): string | undefined {
  const speed = knownSpeed(app);
  if (speed === undefined) return undefined;
  const seconds = (steps * app.settings.batch) / speed;
  return `About ${duration(seconds)} here, at ${whole(Math.round(speed))} images a second.`;
}

// ---------------------------------------------------------------- the speed of earlier runs

const KEY = 'webgpu-diffusion-speed';

/** A network of a kind works in proportion to the pixels. */
const pixelsOf = ({ state: { data = digits } }: App) => data.height * data.width;
const nameOf = ({ settings, state }: App) =>
  `${state.adapter ? adapterLabel(state.adapter) : ''} ${settings.recipe} ${settings.widths}`;

function readSpeeds(): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return {};
  }
}

/** Images a second. */
function knownSpeed(app: App): number | undefined {
  const pixels = readSpeeds()[nameOf(app)];
  return typeof pixels === 'number' && pixels > 0 ? pixels / pixelsOf(app) : undefined;
}

function rememberSpeed(app: App, imagesPerSecond: number): void {
  try {
    const speeds = { ...readSpeeds(), [nameOf(app)]: Math.round(imagesPerSecond * pixelsOf(app)) };
    localStorage.setItem(KEY, JSON.stringify(speeds));
  } catch {
    // A page without storage plans anew each time.
  }
}
