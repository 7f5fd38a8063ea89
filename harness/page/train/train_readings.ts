/** The numbers of the Train view, progress, speed and times, and its loss curve. */

import { epochMeans } from '../../run/losses';
import { duration, megabytes, whole } from '../../text/units';
import type { Settings } from '../messages/settings';
import { type LossHistory, smoothLoss } from '../runs/losses';
import type { App } from '../shell/app';
import { anyElement, button, byId, onClick, setHidden, setMessage, setReading, setText } from '../shell/dom';
import { loss as lossText, measured } from '../shell/format';
import { currentEpoch, isBegun, plannedEnd, type State, secondsLeft } from '../shell/state';
import { Curve, type Scale } from './curve';

/** A step that takes longer than this is worth a word. */
const SLOW_MS = 2500;

const measuringText = {
  heldOut: 'measuring the loss on held-out images',
  quality: 'making 100 samples, to measure their quality',
  nearest: 'making 20 samples, and looking for the nearest of your pictures',
};

/** Returns what shows them. */
export function connectReadings(app: App): () => void {
  const epochMeans = new EpochMeans();
  const renderCurve = connectCurve(app);
  return () => {
    const { run, losses } = app.state;
    const means = run ? epochMeans.of(losses, run.stepsPerEpoch) : [];
    renderNumbers(app);
    renderDetail(app);
    renderFacts(app);
    renderCurve(means);
  };
}

function renderNumbers({ state, settings }: App): void {
  const { run, losses } = state;
  const done = losses.length;
  const total = plannedEnd(state, settings.epochs);
  const { share, secondsLeft } = trainingProgress(state, settings);
  byId('progress', HTMLProgressElement).value = share;
  setHidden('progress', !isBegun(state));
  const none = !run || done === 0;
  setHidden('readings', none);
  if (none) return;
  const epoch = currentEpoch(state);
  // Where the epochs were lowered below what is done, there is nothing that it is a part of.
  setReading(
    'reading-step',
    whole(done),
    done <= total && Number.isFinite(total) ? ` / ${whole(total)}` : '',
  );
  setReading('reading-epoch', whole(epoch), epoch <= settings.epochs ? ` / ${whole(settings.epochs)}` : '');
  setReading('reading-loss', lossText(smoothLoss(losses, settings.batch)!));
  setReading('reading-left', secondsLeft === 0 ? 'done' : duration(secondsLeft));
}

/** Shows the progress of preparing, and a step that takes long. */
function renderDetail(app: App): void {
  const { phase, preparing, measured } = app.state;
  if (measured.measuring) {
    setText('status-detail', measuringText[measured.measuring]);
    return;
  }
  const silence = performance.now() - app.changedAt;
  const waiting = ['training', 'compiling'].includes(phase) && silence > SLOW_MS;
  const what = phase === 'training' && !preparing ? 'the next step has' : 'that has';
  const slow = waiting ? `${what} taken ${duration(silence / 1000)} so far` : '';
  const far = preparing ? `${whole(preparing.done)} of ${whole(preparing.total)}` : '';
  setText('status-detail', [far, slow].filter(Boolean).join('; '));
}

function renderFacts({ state: { run, imagesPerSecond }, firstStep }: App): void {
  const speed = imagesPerSecond > 0 ? ` It trains on ${measured(imagesPerSecond)} images a second.` : '';
  const { from = 0, to } = firstStep ?? {};
  const waited = to
    ? ` The first step was done ${duration((to - from) / 1000)} after ${from === 0 ? 'the page was opened' : 'it was asked for'}.`
    : '';
  setMessage(
    'run-facts',
    run &&
      `${whole(run.parameters)} parameters. The run takes ${megabytes(run.bytes)} of GPU memory, data included.${speed}${waited}`,
  );
}

/** Returns what shows the loss curve. `epochMeans`: the mean losses of the run's whole epochs. */
function connectCurve(app: App): (epochMeans: readonly number[]) => void {
  const curve = new Curve(anyElement('curve'), {
    at: anyElement('curve-at'),
    each: anyElement('curve-each'),
    smoothed: anyElement('curve-smoothed'),
    held: anyElement('curve-held'),
  });
  for (const scale of ['linear', 'log'] as const satisfies readonly Scale[]) {
    onClick(`scale-${scale}`, () => {
      curve.setScale(scale);
      for (const other of ['linear', 'log']) button(`scale-${other}`).ariaPressed = String(other === scale);
    });
  }
  let means: readonly number[] = [];
  let meansText = '';
  return (epochMeans) => {
    const { state, settings } = app;
    const { losses, measured } = state;
    const { heldOut, rates } = measured;
    const stepsPerEpoch = state.run?.stepsPerEpoch ?? 1;
    const { recipe, batch } = settings;
    const curves = { losses, heldOut, rates, batch, stepsPerEpoch, recipe };
    const drawn = losses.length > 0;
    // Before the curve takes its size.
    setHidden('loss', !drawn && !isBegun(state));
    curve.set(curves);
    setHidden('curve-empty', drawn);
    for (const id of ['scales', 'curve-legend']) setHidden(id, !drawn);
    if (means !== epochMeans) {
      means = epochMeans;
      meansText = means.map(lossText).join(', ');
    }
    // Screen readers read this on focus. During training it changes once per epoch so that a reader can finish it.
    const summary =
      means.length > 0
        ? `means of the epochs ${meansText}`
        : state.losses.length > 0
          ? 'first epoch under way'
          : 'nothing yet';
    const smoothed = state.phase === 'training' ? undefined : smoothLoss(losses, batch);
    const now =
      smoothed === undefined ? '' : `; smoothed ${lossText(smoothed)} after step ${whole(losses.length)}`;
    const held = heldOut.length > 0 ? `; held out ${lossText(heldOut.at(-1)!.loss)}` : '';
    const changes = rates.map(({ step, lr }) => `; learning rate ${lr} after step ${step}`).join('');
    anyElement('curve').ariaLabel = `Loss of each step: ${summary}${now}${held}${changes}`;
  };
}

// ---------------------------------------------------------------- what they are made of

interface TrainingProgress {
  /** From 0 to 1. */
  readonly share: number;
  /** NaN until the speed is known. */
  readonly secondsLeft: number;
}

/** The progress of training: by its steps, or in a run without a plan by the time limit, whichever ends first. Pure. */
export function trainingProgress(
  state: State,
  { batch, epochs, minutes }: Pick<Settings, 'batch' | 'epochs' | 'minutes'>,
): TrainingProgress {
  const { losses, measured } = state;
  const total = plannedEnd(state, epochs);
  const ofSteps = { share: total > 0 ? Math.min(1, losses.length / total) : 0 };
  const left = secondsLeft(state, batch, epochs);
  if (minutes === 0 || state.planned || !state.training) return { ...ofSteps, secondsLeft: left };
  const limit = minutes * 60;
  const spent = measured.clock?.press ?? 0;
  const byTime = Math.max(0, limit - spent);
  // Until the speed is known, the time that was set is the one that is.
  const first = Number.isNaN(left) || byTime < left;
  return first
    ? { share: Math.min(1, spent / limit), secondsLeft: byTime }
    : { ...ofSteps, secondsLeft: left };
}

/** The means of a run's whole epochs, each of which is taken once. Pure. */
export class EpochMeans {
  private means: number[] = [];
  private losses: LossHistory | undefined;
  private stepsPerEpoch = 0;

  /** The same array until another epoch is over. */
  of(losses: LossHistory, stepsPerEpoch: number): readonly number[] {
    const goesOn = this.losses && losses.continues(this.losses) && stepsPerEpoch === this.stepsPerEpoch;
    if (!goesOn) this.means = [];
    this.losses = losses;
    this.stepsPerEpoch = stepsPerEpoch;
    const done = this.means.length * stepsPerEpoch;
    if (losses.length - done >= stepsPerEpoch)
      this.means = [...this.means, ...epochMeans(losses.slice(done), stepsPerEpoch)];
    return this.means;
  }
}
