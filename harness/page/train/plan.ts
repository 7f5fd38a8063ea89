/** What the page says and offers of the plan of a run, which its worker makes, and the speeds that it remembers for the next one. */
import { type Recipe, recipes } from '../../../src/recipes';
import { stepsPerEpoch } from '../../../src/training/epoch';
import { listLayers } from '../../../src/unet/config';
import { SIDES } from '../../pictures/small_pictures';
import { networkFor } from '../../run/network';
import { MINUTES, type Plan, planBatch, planTraining, UPDATES } from '../../run/plan';
import { adapterLabel } from '../../text/adapter_text';
import { duration, plural, whole } from '../../text/units';
import { chosenBeginning, plannedRate, whyNew } from '../messages/fine_tune';
import { type DataDescription, eventPatch, type PlanWish, type WorkerEvent } from '../messages/messages';
import { countHeldOut, initialFor, type Key, pageRecipes } from '../messages/settings';
import type { App } from '../shell/app';
import { anyElement, onClick, setHidden } from '../shell/dom';
import { isBegun, secondsLeft } from '../shell/state';

/** Stands for the digits until they are loaded. */
export const digitsDescription: DataDescription = {
  name: '',
  builtIn: true,
  count: 10_000,
  height: 28,
  width: 28,
  channels: 1,
  classes: 10,
};

/** How many images a run of these settings takes, and how many it holds out. */
export function countImages({ state: { data = digitsDescription }, settings }: App): {
  count: number;
  held: number;
} {
  const count = settings.limit > 0 ? Math.min(settings.limit, data.count) : data.count;
  return { count, held: Math.min(count, countHeldOut(settings, count)) };
}
function trainedImages(app: App): number {
  const { count, held } = countImages(app);
  return count - held;
}

export interface Planner {
  /** The order of a plan, which goes to the worker with the press on Train; undefined: the user has chosen batch or epochs. */
  readonly wish: PlanWish | undefined;
  /** What a run does that begins now, as a sentence; undefined if there is a run. */
  readonly ahead: string | undefined;
  /** What stands in a field of the settings where the plan sets it. */
  filled(key: Key): string | undefined;
  pressed(): void;
  receive(event: WorkerEvent): void;
  render(): void;
}

export function createPlanner(app: App): Planner {
  const isOpen = () => {
    const { chosen } = app.address;
    const { batch, epochs } = initialFor(chosen.recipe);
    return chosen.batch === batch && chosen.epochs === epochs;
  };
  const minutes = () => app.settings.minutes || MINUTES;
  const beginning = () => chosenBeginning(app.settings, app.state.data);
  /** The plan of the run, or of the one that would begin now, if its speed is known. */
  const plan = (): Plan | undefined => {
    const { state } = app;
    if (isBegun(state)) return state.planned?.plan;
    const speed = isOpen() ? knownSpeed(app) : undefined;
    if (speed === undefined) return undefined;
    const { fit }: Recipe = recipes[app.settings.recipe];
    const count = trainedImages(app);
    const order = { count, dropLast: fit.dropLast, minutes: minutes(), software: !!state.adapter?.software };
    return planTraining(order, planBatch(order, speed), speed);
  };
  const slow = connectSlow(app, plan, minutes);

  return {
    get wish() {
      return isOpen() ? { speed: knownSpeed(app) } : undefined;
    },
    get ahead() {
      if (isBegun(app.state)) return undefined;
      const planned = isOpen() ? plan() : undefined;
      if (isOpen() && !planned)
        return `Train makes ${UPDATES} steps, or more if they fit into ${minutes()} minutes here: it measures a few first.`;
      return sentenceOf(app, planned);
    },
    filled(key) {
      const { state, settings } = app;
      const isPlanned = isBegun(state) ? state.planned !== undefined : isOpen();
      if (key === 'minutes') return isPlanned ? `${MINUTES}, planned` : 'no limit';
      if (isBegun(state) || !isPlanned) return undefined;
      if (key === 'batch' || key === 'epochs') return 'auto';
      const rate = plannedRate(settings, beginning());
      return key === 'lr' && rate !== settings.lr ? String(rate) : undefined;
    },
    pressed: slow.pressed,
    receive(event) {
      const { pace } = eventPatch(event);
      if (pace !== undefined) rememberSpeed(app, pace);
      slow.receive(event);
    },
    render: slow.render,
  };
}

/** What Train does: the steps of a plan, or as many as the settings say. */
function sentenceOf(app: App, planned: Plan | undefined): string {
  const { settings } = app;
  const imageCount = trainedImages(app);
  const { dropLast }: Recipe['fit'] = recipes[settings.recipe].fit;
  const { batch } = planned ?? settings;
  const perEpoch = stepsPerEpoch({ imageCount, batchSize: batch, dropLast });
  const steps = planned?.steps ?? settings.epochs * perEpoch;
  const seconds = (steps * batch) / (knownSpeed(app) ?? Number.NaN);
  const limit = planned ? 0 : 60 * settings.minutes;
  const isLimited = limit > 0 && !(seconds <= limit);
  const time = isLimited ? limit : seconds;
  const times = Math.round((steps * batch) / imageCount);
  const work = [
    `${isLimited ? 'up to ' : ''}${plural(steps, 'step')} of ${plural(batch, 'image')}`,
    ...(times > 1 ? [`each seen ${whole(times)} times`] : []),
    ...(Number.isNaN(time) ? [] : [`about ${duration(time)} here`]),
  ];
  return `Train makes ${work.join(', ')}.`;
}

/** Wires the suggestions shown when the minimum run exceeds the time limit. */
function connectSlow(app: App, current: () => Plan | undefined, minutes: () => number) {
  /** The user has read it. */
  let isClosed = false;
  const again = (key: Key, text: string) => {
    isClosed = true;
    if (app.state.run) app.send('leave', false);
    app.set(key, text);
  };
  const smaller = () => {
    const { height, width } = app.state.data ?? digitsDescription;
    return [32, 24, SIDES.least].find((each) => each < Math.min(height, width));
  };
  onClick('plan-smaller', () => again('size', String(smaller())));
  onClick('plan-pretrained', () => again('begin', 'pretrained'));
  const isSlow = () => {
    const { state, settings } = app;
    const isLate = state.losses.length >= UPDATES;
    const left = secondsLeft(state, settings.batch, settings.epochs);
    return current()?.fits === false && !isLate && !(left < 60 * minutes());
  };
  return {
    pressed(): void {
      isClosed ||= !anyElement('plan').hidden;
    },
    receive(event: WorkerEvent): void {
      // Other pictures are another question.
      if (eventPatch(event).data) isClosed = false;
    },
    render(): void {
      const { settings, state } = app;
      const { data = digitsDescription } = state;
      const maySmaller = data.pictures === true && smaller() !== undefined;
      const isNew = chosenBeginning(settings, data) === 'new' && settings.recipe !== 'pictures';
      const mayPretrained = isNew && whyNew(settings, data) === undefined;
      setHidden('plan', isClosed || !isSlow() || !(maySmaller || mayPretrained));
      setHidden('plan-smaller', !maySmaller);
      setHidden('plan-pretrained', !mayPretrained);
    },
  };
}

// ---------------------------------------------------------------- the speed of earlier runs

const KEY = 'webgpu-diffusion-work';

/** Multiply-adds of the convolutions for an image: a network works in proportion to them. */
function countMacs({ settings, state: { data = digitsDescription } }: App): number {
  const { recipe, widths } = settings;
  return listLayers(networkFor({ recipe, widths }, data))
    .map((layer) => layer.height * layer.width * layer.kernelSize ** 2 * layer.inChannels * layer.outChannels)
    .reduce((a, b) => a + b, 0);
}

const speedName = ({ adapter }: App['state'], recipe: string) =>
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
  const known = [app.settings.recipe, ...pageRecipes].map((recipe) => speeds[speedName(app.state, recipe)]);
  const work = known.find((each) => typeof each === 'number' && each > 0) as number | undefined;
  return work === undefined ? undefined : work / countMacs(app);
}

function rememberSpeed(app: App, imagesPerSecond: number): void {
  try {
    const name = speedName(app.state, app.settings.recipe);
    const speeds = { ...readSpeeds(), [name]: Math.round(imagesPerSecond * countMacs(app)) };
    localStorage.setItem(KEY, JSON.stringify(speeds));
  } catch {
    // A page without storage plans anew each time.
  }
}
