/** What the page says and offers of the plan of a run, which its worker makes, and the speeds that it remembers for the next one. */
import { type Recipe, recipes } from '../../../src/recipes';
import { layersOf, type UNetConfig } from '../../../src/unet/config';
import { levelsOf } from '../../run/network';
import { LEAST, MINUTES, type Plan, planOf, UPDATES } from '../../run/plan';
import { adapterLabel } from '../../text/adapter_text';
import { duration, whole } from '../../text/units';
import { beginningOf, mayPlan, RATE, whyNew } from '../messages/fine_tune';
import type { DataDescription, PlanWish, WorkerEvent } from '../messages/messages';
import { heldOutOf, initialOf, pageRecipes } from '../messages/settings';
import type { App } from '../shell/app';
import { onClick, setHidden, setText } from '../shell/dom';
import { measured } from '../shell/format';

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

interface Planner {
  /** The order of a plan, which goes to the worker with the press on Train; undefined: the user has chosen batch or epochs. */
  readonly wish: PlanWish | undefined;
  /** The plan of the run, in words; empty if it has none. */
  readonly words: string;
  /** What a run that begins now is going to plan, as a sentence; undefined if it plans nothing. */
  readonly ahead: string | undefined;
  receive(event: WorkerEvent): void;
  render(): void;
}

export function createPlanner(app: App): Planner {
  const isOpen = () => {
    const { chosen } = app;
    const { batch, epochs } = initialOf(chosen.recipe);
    const isFree = mayPlan(chosen.recipe, beginningOf(chosen, app.state.data));
    return isFree && chosen.batch === batch && chosen.epochs === epochs;
  };
  const minutes = () => app.settings.minutes || MINUTES;
  /** The passes over the images, in words; empty where there is not even one and a half. */
  const seen = ({ steps, batch }: Plan) => {
    const times = Math.round((steps! * batch) / trainedImages(app));
    return times > 1 ? `, each seen ${whole(times)} times` : '';
  };
  /** The plan of the run, or of the one that would begin now, if its speed is known. */
  const plan = (): Plan | undefined => {
    const { state } = app;
    if (state.run || state.planned) return state.planned?.plan;
    const speed = isOpen() ? knownSpeed(app) : undefined;
    if (speed === undefined) return undefined;
    const { fit }: Recipe = recipes[app.settings.recipe];
    const count = trainedImages(app);
    const order = { count, dropLast: fit.dropLast, minutes: minutes(), software: !!state.adapter?.software };
    return planOf(order, speed);
  };
  const render = connectSlow(app, plan);

  return {
    get wish() {
      return isOpen() ? { speed: knownSpeed(app) } : undefined;
    },
    get words() {
      const { planned } = app.state;
      if (!planned) return '';
      const { batch, steps, seconds } = planned.plan;
      const first = `the first seconds show how many fit into ${minutes()} min`;
      if (steps === undefined) return `Planned: steps of ${whole(batch)} images; ${first}`;
      const what = `${whole(steps)} steps of ${whole(batch)} images${seen(planned.plan)}`;
      if (!Number.isNaN(seconds)) return `Planned: ${what}, about ${duration(seconds)}`;
      return planned.isOpen ? `Planned: up to ${what}; ${first}` : `Planned: ${what}`;
    },
    get ahead() {
      const { state } = app;
      if (state.run || !isOpen()) return undefined;
      const planned = plan();
      const { batch, steps, seconds } = planned ?? {};
      return steps === undefined
        ? `Train makes ${UPDATES} steps, or more if they fit into ${minutes()} minutes here: its first seconds decide.`
        : `Train makes ${whole(steps)} steps of ${whole(batch!)} images${seen(planned!)}, about ${duration(seconds!)} here.`;
    },
    receive(event) {
      if (event.type === 'speed') rememberSpeed(app, event.imagesPerSecond);
    },
    render,
  };
}

/** Connects what the page offers where the least number of updates takes longer than the minutes; returns what shows it. */
function connectSlow(app: App, current: () => Plan | undefined): () => void {
  const again = (change: () => void) => {
    if (app.state.run) app.command((client) => client.reset());
    change();
  };
  onClick('plan-smaller', () => {
    const { height, width } = app.state.data ?? digits;
    const side = [48, 32, 24, 16].find((each) => each < Math.min(height, width))!;
    again(() => app.set('size', String(side)));
  });
  onClick('plan-pretrained', () => {
    const { batch, epochs, seconds } = current()!;
    again(() => {
      app.set('begin', 'pretrained');
      app.set('lr', String(RATE));
      app.set('batch', String(batch));
      app.set('epochs', String(epochs));
      app.set('minutes', String(Math.ceil(seconds / 60)));
    });
  });
  return () => {
    const plan = current();
    const isSlow = plan && !plan.fits;
    setHidden('plan', !isSlow);
    if (!isSlow) return;
    const { data = digits } = app.state;
    const speed = (plan.steps! * plan.batch) / plan.seconds;
    setText(
      'plan-text',
      `It takes about ${UPDATES} steps to recognise anything: ${duration(plan.seconds)} here, at ${measured(speed)} images a second.`,
    );
    setHidden('plan-smaller', !data.pictures || Math.min(data.height, data.width) <= LEAST);
    const isNew = beginningOf(app.settings, data) === 'new' && app.settings.recipe !== 'pictures';
    setHidden('plan-pretrained', !isNew || whyNew(app.settings, data) !== undefined);
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

const KEY = 'webgpu-diffusion-work';

/** Multiply-adds of the convolutions for an image: a network works in proportion to them. */
function workOf({ settings, state: { data = digits } }: App): number {
  const { network }: { readonly network: UNetConfig } = recipes[settings.recipe];
  const { height, width, channels } = data;
  const config = { ...network, ...levelsOf(network, settings.widths), height, width, channels };
  return layersOf(config)
    .map((layer) => layer.height * layer.width * layer.kernelSize ** 2 * layer.inChannels * layer.outChannels)
    .reduce((a, b) => a + b, 0);
}

const nameOf = ({ adapter }: App['state'], recipe: string) =>
  `${adapter ? adapterLabel(adapter) : ''} ${recipe}`;

function readSpeeds(): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
  } catch {
    return {};
  }
}

/** Images a second, by earlier runs of the recipe here, or else of another one. */
function knownSpeed(app: App): number | undefined {
  const speeds = readSpeeds();
  const known = [app.settings.recipe, ...pageRecipes].map((recipe) => speeds[nameOf(app.state, recipe)]);
  const work = known.find((each) => typeof each === 'number' && each > 0) as number | undefined;
  return work === undefined ? undefined : work / workOf(app);
}

function rememberSpeed(app: App, imagesPerSecond: number): void {
  try {
    const name = nameOf(app.state, app.settings.recipe);
    const speeds = { ...readSpeeds(), [name]: Math.round(imagesPerSecond * workOf(app)) };
    localStorage.setItem(KEY, JSON.stringify(speeds));
  } catch {
    // A page without storage plans anew each time.
  }
}
