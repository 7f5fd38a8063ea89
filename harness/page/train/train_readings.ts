/** The numbers of the Train tab: how far the run is, how fast, how long something takes. */
import { variantLines } from '../../run/kernels_text';
import type { App } from '../shell/app';
import { anyElement, byId, setReading, setText } from '../shell/dom';
import { duration, loss as lossText, measured, megabytes, whole } from '../shell/format';
import { epochMeans, epochOf, smoothLoss } from '../shell/state';
import { trainingProgress } from './train_progress';

/** A step that takes longer than this is worth a word. */
const SLOW_MS = 2500;

const measuringText = {
  heldOut: 'measuring the loss on held-out images',
  quality: 'making 100 samples, to measure their quality',
};

export function renderReadings(app: App): void {
  renderNumbers(app);
  renderDetail(app);
  renderFacts(app);
}

function renderNumbers({ state, settings }: App): void {
  const { run, losses } = state;
  const done = losses.length;
  const total = run ? run.stepsPerEpoch * settings.epochs : 0;
  const { share, secondsLeft } = trainingProgress(state, settings);
  byId('progress', HTMLProgressElement).value = share;
  document.title =
    state.training && run ? `${Math.floor(100 * share)} % · webgpu-diffusion` : 'webgpu-diffusion';
  if (!run || done === 0) {
    for (const id of ['step', 'epoch', 'loss', 'mean', 'speed', 'left']) setReading(`reading-${id}`, '–');
    return;
  }
  const means = epochMeans(losses, run.stepsPerEpoch);
  const epoch = epochOf(state);
  // Where the epochs were lowered below what is done, there is nothing that it is a part of.
  setReading('reading-step', whole(done), done <= total ? ` / ${whole(total)}` : '');
  setReading('reading-epoch', whole(epoch), epoch <= settings.epochs ? ` / ${whole(settings.epochs)}` : '');
  setReading('reading-loss', lossText(smoothLoss(losses, settings.batch)!));
  setReading('reading-mean', means.length > 0 ? lossText(means[means.length - 1]) : '–');
  // None yet of a run that was begun elsewhere.
  setReading('reading-speed', state.imagesPerSecond > 0 ? measured(state.imagesPerSecond) : '–');
  setReading('reading-left', secondsLeft === 0 ? 'done' : duration(secondsLeft));
}

/** How far the preparing is, and what takes long. */
function renderDetail(app: App): void {
  const { phase, preparing, losses, measured } = app.state;
  if (measured.measuring) {
    setText(anyElement('status-detail'), measuringText[measured.measuring]);
    return;
  }
  const silence = performance.now() - app.changedAt;
  const waiting = ['training', 'compiling'].includes(phase) && silence > SLOW_MS;
  const what = phase === 'training' && !preparing ? `step ${whole(losses.length + 1)} has` : 'that has';
  const slow = waiting ? `${what} taken ${duration(silence / 1000)} so far` : '';
  const far = preparing ? `${whole(preparing.done)} of ${whole(preparing.total)}` : '';
  setText(anyElement('status-detail'), [far, slow].filter(Boolean).join('; '));
}

function renderFacts({ state: { run }, firstStep }: App): void {
  const waited = firstStep
    ? ` The first step was done ${duration(firstStep.seconds)} after ${firstStep.from === 'page' ? 'the page was opened' : 'it was asked for'}.`
    : '';
  const facts = run
    ? `${whole(run.parameters)} parameters. The run takes ${megabytes(run.bytes)} of GPU memory, data included.${waited}`
    : '';
  setText(anyElement('run-facts'), facts);
  setText(anyElement('run-kernels'), run ? variantLines(run.variants).join('; ') : '');
}
