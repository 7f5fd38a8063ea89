/** The page's state of the run: a pure function of the events that the worker sent. */
import type { Progress } from '../../../src';
import { defined } from '../../../src/base/errors';
import { DIGITS } from '../../../src/data/digits';
import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { type Recipe, type RecipeName, recipes } from '../../../src/recipes';
import type { Sampling } from '../../../src/unet/sampling';
import type { RunDescription } from '../../../src/worker';
import { areNumbers, type Classes } from '../../pictures/class_names';
import { preparing } from '../../text/kernels_text';
import { whole } from '../../text/units';
import { type Measurements, nothingMeasured, reduceMeasurements, rewound } from '../messages/measurements';
import {
  eventPatch,
  isFreed,
  type Known,
  type ModelDescription,
  type Order,
  type Patch,
  type Phase,
  type Problem,
  type WorkerEvent,
} from '../messages/messages';
import { PRETRAINED_IMAGES, pretrainedFor } from '../messages/pretrained';
import type { Beginning, NetworkSource, Settings } from '../messages/settings';
import { lostMessage } from '../runs/device_lost';
import { LossHistory } from '../runs/losses';

export interface Run
  extends Pick<RunDescription, 'images' | 'stepsPerEpoch' | 'parameters' | 'data' | 'bytes' | 'variants'> {
  /** Number of held-out images. */
  readonly held: number;
  /** Number of classes that its network is conditioned on; 0 for none. */
  readonly classes: number;
}

/** The progress of a distillation. */
export interface DistillingProgress extends Omit<NonNullable<Patch['distilling']>, 'loss'> {
  /** The loss of each of its steps so far. */
  readonly losses: LossHistory;
}

export interface State extends Known {
  /** Progress of the compiling or the measuring, once known. */
  readonly preparing?: Progress;
  /** A network from a file, to sample from. */
  readonly model?: ModelDescription;
  /** Present from the moment training begins until a reset. */
  readonly run?: Run;
  /** The plan of the run, if it has one. */
  readonly planned?: Pick<NonNullable<Patch['planned']>, 'plan' | 'averages'> | undefined;
  /** The loss of every step so far. */
  readonly losses: LossHistory;
  /** Steps in the last saved or opened checkpoint. */
  readonly saved: number;
  /** Steps stored in the browser. */
  readonly stored: number;
  /** The reason that the browser could not store the run. */
  readonly notStored?: string;
  /** The runs that the browser keeps beside this one, of `LEAST_STEPS` steps or more. */
  readonly kept: readonly StoredRun[];
  /** The run's name in the browser's storage, once it is there. */
  readonly id?: string;
  /** Number of held-out images, known before `run`. */
  readonly held: number;
  /** Initial weights; undefined if the run was started elsewhere. */
  readonly begin?: Beginning | undefined;
  /** The sampling of the run's network. */
  readonly runSampling?: Sampling | undefined;
  readonly measured: Measurements;
  /** The run's network is being distilled. */
  readonly distilling?: DistillingProgress | undefined;
  readonly imagesPerSecond: number;
  /** Images a second, from which the time left is computed; 0 until it is known. */
  readonly pace: number;
  /** The run's speed was measured: before, the engine's checks slow it down. */
  readonly timed: boolean;
  /** Progress of the current sampling run. */
  readonly sampling?: { readonly step: number; readonly steps: number };
  readonly error?: Problem | undefined;
  /** A problem of the run that does not stop it. */
  readonly warning?: string;
}

/** What a run that is deleted leaves. */
const WITHOUT_RUN = {
  run: undefined,
  planned: undefined,
  losses: LossHistory.of([]),
  saved: 0,
  stored: 0,
  notStored: undefined,
  id: undefined,
  begin: undefined,
  runSampling: undefined,
  measured: nothingMeasured,
  imagesPerSecond: 0,
  pace: 0,
  timed: false,
  sampling: undefined,
  error: undefined,
  warning: undefined,
} satisfies Partial<State>;

export const initialState: State = { phase: 'starting', training: false, kept: [], held: 0, ...WITHOUT_RUN };

export function reduce(state: State, event: WorkerEvent): State {
  switch (event.type) {
    case 'losses': {
      const { first, again, losses, imagesPerSecond, pace } = event;
      const known = again ? wentBack(state, state.losses.after(first, [])) : state;
      return {
        ...known,
        losses: known.losses.after(first, losses),
        imagesPerSecond,
        pace: pace ?? known.pace,
      };
    }
    case 'patch':
      return patched(state, event.patch);
    case 'problem': {
      const { type: _, ...error } = event;
      return { ...state, error };
    }
    case 'warning':
      return event.run ? { ...state, warning: event.message } : state;
    case 'lost':
    case 'stillLost': {
      const back = wentBack(state, LossHistory.of(event.losses));
      const message = lostMessage(event, back.stored);
      return { ...back, error: { at: 'task', code: 'device-lost', message } };
    }
    case 'runs':
      return { ...state, kept: event.runs.filter(({ step }) => step >= LEAST_STEPS) };
    case 'stored':
      return { ...state, stored: event.step, id: event.id, notStored: undefined };
    case 'notStored':
      return { ...state, notStored: event.message };
    case 'progress': {
      const { type: _, ...progress } = event;
      return { ...state, preparing: isOver(progress, state.phase) ? undefined : progress };
    }
    case 'sampled':
      return { ...state, sampling: { step: event.step, steps: event.steps } };
    case 'stopped':
      return { ...state, error: { at: 'start', code: 'unexpected', message: event.message } };
  }
  return state;
}

/** The run as it was after these steps. */
const wentBack = (state: State, losses: LossHistory): State => ({
  ...state,
  losses,
  measured: rewound(state.measured, losses.length),
  saved: Math.min(state.saved, losses.length),
  stored: Math.min(state.stored, losses.length),
});

/** The state after a change of what the worker knows. */
function patched(before: State, patch: Patch): State {
  const { phase, training = before.training, adapter, data, reading, needsData, pace, measured } = patch;
  const { model, distilled, resumed, begun, run, planned, distilling } = patch;
  let state = before;
  const set = (change: Partial<State>) => {
    state = { ...state, ...change };
  };
  if (phase) set(ofPhase(state, phase, training));
  set(defined({ adapter, data, reading, needsData }) as Partial<State>);
  if (measured) set({ measured: reduceMeasurements(state.measured, measured) });
  if (model ?? distilled) set({ model: distilled?.model ?? (model as ModelDescription) });
  if (resumed)
    set({
      losses: LossHistory.of(resumed.losses),
      saved: resumed.kept ? 0 : resumed.losses.length,
      stored: resumed.kept ? resumed.losses.length : 0,
      id: resumed.id,
      kept: state.kept.filter(({ id }) => id !== resumed.id),
      begin: undefined,
      planned: undefined,
      measured: nothingMeasured,
      needsData: undefined,
    });
  if (begun) {
    const { held, begin = state.begin, sampling } = begun;
    set({ held, begin, runSampling: sampling, needsData: undefined });
  }
  if (planned) set({ planned: { plan: planned.plan, averages: planned.averages } });
  if (pace !== undefined) set({ pace, timed: true });
  if (run) {
    const { images, data, stepsPerEpoch, parameters, network, bytes, variants } = run;
    const classes = network.conditioning?.classes ?? 0;
    set({ run: { images, held: state.held, stepsPerEpoch, parameters, classes, data, bytes, variants } });
  } else if ('run' in patch) set(WITHOUT_RUN);
  if (distilling) {
    const { loss, ...others } = distilling;
    const losses = state.distilling?.losses ?? LossHistory.of([]);
    const more = loss === undefined ? [] : [loss];
    set({ distilling: { ...others, losses: losses.after(losses.length, more) } });
  } else if ('distilling' in patch) set({ distilling: undefined });
  return state;
}

/** What a task that begins changes. */
function ofPhase(state: State, phase: Phase, training: boolean): Partial<State> {
  // A task that starts leaves the complaint about the one before it behind; what is wrong with a file is to be read.
  const starts = phase === 'compiling' || phase === 'training' || phase === 'sampling';
  // Training that goes on after it is no such start.
  const goesOn = phase === 'training' && state.training;
  const over = phase === 'loading' || (starts && !goesOn && state.error?.at === 'task');
  // What a run that has stopped offers stays until the run trains on, whatever else is made meanwhile.
  const rests = !training && state.error?.back !== undefined;
  return {
    phase,
    training,
    measured: training ? { ...state.measured, timeUp: false } : state.measured,
    error: over && !rests ? undefined : state.error,
    preparing: undefined,
    reading: undefined,
    sampling: phase === 'sampling' ? state.sampling : undefined,
  };
}

/** What the page says of another device. */
export const recovered = ({ run, losses }: State, step: number): string =>
  `The GPU device was lost, and another took its place.${run || losses.length > 0 ? ` The run goes on from step ${whole(step)}.` : ''}`;

/** Whether images that were on their way in this phase come no more: they were refused, left, or dropped with what they were for. */
export function endsReading(event: WorkerEvent, before: State['phase']): boolean {
  const { phase } = eventPatch(event);
  if (phase) return before === 'loading' && phase !== before;
  return event.type === 'lost' || isFreed(event) || (event.type === 'problem' && event.at === 'data');
}

/** In the phase of compiling, one task follows another, and the end of the last ends the phase. */
const isOver = ({ done, total }: Progress, phase: Phase) => done === total && phase !== 'compiling';

/** The epoch of the newest step, from 1. */
export function currentEpoch(state: State): number {
  return state.run && state.losses.length > 0
    ? Math.floor((state.losses.length - 1) / state.run.stepsPerEpoch) + 1
    : 0;
}

/** The step at which the run ends; infinite if its plan does not know yet, 0 without a run. */
export function plannedEnd({ run, planned }: State, epochs: number): number {
  if (!run) return 0;
  return planned ? (planned.plan.steps ?? Number.POSITIVE_INFINITY) : run.stepsPerEpoch * epochs;
}

export const isComplete = (state: State, epochs: number): boolean =>
  state.run !== undefined && state.losses.length >= plannedEnd(state, epochs);

/** Whether the run has come to its end, by its epochs or by its time, and leads on. */
export const hasEnded = (state: State, epochs: number): boolean =>
  isComplete(state, epochs) || (state.phase === 'paused' && state.measured.timeUp);

/** Seconds until the run is complete at the present speed; NaN until that is measured. */
export function secondsLeft(state: State, batch: number, epochs: number): number {
  if (isComplete(state, epochs)) return 0;
  const end = plannedEnd(state, epochs);
  if (!state.run || !state.timed || !Number.isFinite(end)) return Number.NaN;
  const { stepsPerEpoch } = state.run;
  // The last batch of an epoch may be smaller, or left out.
  const images = Math.min(state.run.images, stepsPerEpoch * batch);
  const imagesIn = (steps: number) =>
    Math.floor(steps / stepsPerEpoch) * images + (steps % stepsPerEpoch) * batch;
  return (imagesIn(end) - imagesIn(state.losses.length)) / state.pace;
}

/** Whether the settings of a run are fixed: there is a run, or one is about to be made. */
export const isFixed = ({ run, training }: State) => run !== undefined || training;

/** Whether there is a run, or one is about to be: also while a kept one is being built. */
export const isBegun = (state: State) => isFixed(state) || state.losses.length > 0;

/** Images or steps of training, whichever come first, after which Draw and Explain take the network of a run that began untrained. */
const GROWN = { images: 51_200, steps: 300 };

/** The step after which Draw and Explain take the run's network, where no network is chosen: the last one, if that is earlier. */
export function grownAt(state: State, { batch, epochs }: Pick<Settings, 'batch' | 'epochs'>): number {
  if (state.begin === 'pretrained') return 1;
  const last = state.run ? plannedEnd(state, epochs) : Number.POSITIVE_INFINITY;
  return Math.min(Math.ceil(GROWN.images / batch), GROWN.steps, last);
}

/** Whether the network of a run is still worse than the pretrained one. */
export const isYoung = (state: State, settings: Pick<Settings, 'batch' | 'epochs'>): boolean =>
  state.losses.length < grownAt(state, settings) && !hasEnded(state, settings.epochs);

/** The network that makes samples, from the settings; `file` prefers a file's network, if one is open. */
export function chosenSource(state: State, { model }: Pick<Settings, 'model'>, file: boolean): NetworkSource {
  if (file && state.model) return 'file';
  if (model !== 'auto') return model;
  return state.losses.length > 0 ? 'run' : 'pretrained';
}

/** The name of the images that the run trains on, or would, as its checkpoints have it. */
export const dataName = ({ run, data }: Pick<State, 'run' | 'data'>): string | undefined =>
  run ? run.data.name : data?.name;

/** The size of the digits. */
const DIGIT = { height: 28, width: 28, channels: 1 };

/** The description of a source's network. */
export function networkIn(
  source: Order['source'],
  state: State,
  { recipe }: Pick<Settings, 'recipe'>,
): Omit<ModelDescription, 'name'> {
  switch (source) {
    case 'file':
      return state.model ?? networkForDigits(recipe);
    case 'pretrained':
    case 'instant':
      return networkForDigits(pretrainedFor(recipe));
    case 'run':
      return networkOfRun(state, recipe);
  }
}

function networkForDigits(recipe: RecipeName): Omit<ModelDescription, 'name'> {
  const { sampling }: Recipe = recipes[recipe];
  return { recipe, classes: recipe === 'tutorial' ? 0 : 10, data: DIGITS, ...DIGIT, sampling };
}

/** The run's network, or what it will be: on the images that are loaded, else on digits. */
function networkOfRun({ run, data, runSampling }: State, recipe: RecipeName): Omit<ModelDescription, 'name'> {
  const digits = networkForDigits(recipe);
  const { height, width, channels } = data ?? DIGIT;
  const { classes = 0 } = run ?? data ?? digits;
  return {
    recipe,
    classes: recipe === 'tutorial' ? 0 : classes,
    classNames: (run?.data ?? data)?.classNames,
    data: dataName({ run, data }),
    height,
    width,
    channels,
    sampling: runSampling ?? digits.sampling,
  };
}

/** A network in words. `trained`: the steps of the run's by then. */
export function networkText(
  source: Order['source'],
  { model, losses: { length } }: State,
  trained = length,
): string {
  if (source === 'instant') return 'The pretrained network, distilled to two calls';
  if (source === 'pretrained') return `The pretrained network, after ${whole(PRETRAINED_IMAGES)} images`;
  if (source === 'file') return `The file ${model?.name}`;
  if (trained === 0) return 'An untrained network';
  return `This page’s run, step ${whole(trained)}${trained === length ? '' : `; it is at step ${whole(length)} now`}`;
}

/** Whether a picture of a digit may stand for what a network makes, as far as is known. */
export const isOfDigits = (of: Omit<ModelDescription, 'name'>): boolean =>
  of.channels === 1 && (of.classes > 0 ? hasDigitClasses(of) : (of.data ?? DIGITS) === DIGITS);

/** Whether the classes of a network are digits, as far as is known. */
export const hasDigitClasses = ({
  data = DIGITS,
  ...of
}: Classes & Pick<ModelDescription, 'data'>): boolean =>
  of.classes === 10 && areNumbers(of) && data === DIGITS;

const timeUp = ({ planned }: State) =>
  planned
    ? `The time of the plan, and half as long again, is up${planned.averages ? ': samples come from the average of its steps' : ''}. Resume trains to its end`
    : 'The time is up. Resume trains for as long again';

/** What a run that is complete says. */
export const finished = ({ planned }: State): string =>
  planned ? 'Finished. Train on plans further steps' : 'Finished';

/** Whether the worker has no task. */
export const rests = ({ phase }: Pick<State, 'phase'>): boolean =>
  phase === 'idle' || phase === 'paused' || phase === 'finished';

/** Whether a task may begin: training waits meanwhile, and a lost device is asked for again. */
export const isReady = (state: Pick<State, 'phase'>): boolean =>
  rests(state) || ['training', 'lost'].includes(state.phase);

/** Whether the worker has a task beside training. */
export const isBusy = ({ phase }: Pick<State, 'phase'>): boolean =>
  ['starting', 'loading', 'compiling', 'pausing', 'sampling'].includes(phase);

/** How far compiling is, in words, while it is under way. */
export const compilingText = (state: State): string | undefined =>
  state.preparing &&
  `${taskText({ ...state, phase: 'compiling' })}: ${whole(state.preparing.done)} of ${whole(state.preparing.total)}`;

/** The present task of the worker, in plain words. */
export function taskText(state: State): string {
  if (state.distilling && rests(state)) return 'Distilling';
  const resting = state.phase === 'idle' || state.phase === 'paused';
  if (resting && state.error?.at === 'task') return 'Stopped';
  switch (state.phase) {
    case 'starting':
      return 'Looking for a GPU';
    case 'loading':
      return state.reading
        ? `${state.reading.what === 'heads' ? 'Looking at' : 'Reading'} the pictures: ${whole(state.reading.done)} of ${whole(state.reading.total)}`
        : 'Loading the data';
    case 'idle':
      return '';
    case 'compiling':
      return preparing(state.preparing ?? { task: 'compiling' });
    case 'training':
      if (state.preparing) return preparing(state.preparing);
      if (state.losses.length > 0) return 'Training';
      return state.planned && state.planned.plan.steps === undefined
        ? 'Measuring the time of a step'
        : 'Training: the first step is under way';
    case 'pausing':
      return 'Pausing';
    case 'paused':
      return state.measured.timeUp ? timeUp(state) : 'Paused';
    case 'finished':
      return finished(state);
    case 'sampling':
      return state.training ? 'Making images; the training waits' : 'Making images';
    case 'lost':
      return 'The GPU device was lost';
    case 'failed':
      return 'Stopped';
  }
}
