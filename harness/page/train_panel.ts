/** The Train tab: buttons, settings, readings, pictures. */
import { variantLines } from '../run/kernels_text';
import type { App, TaskPanel } from './app';
import { Curve, type Scale } from './curve';
import { anyElement, button, byId, download, setMessage, setReading, setText } from './dom';
import { connectFields } from './fields';
import { duration, loss as lossText, measured, megabytes, whole, workLine } from './format';
import { History } from './history';
import { ImageView, noiseTiles, paperTiles, type Tiles } from './images';
import type { DataDescription, WorkerEvent } from './protocol';
import { recipeLines } from './recipe_text';
import {
  describe,
  epochMeans,
  epochOf,
  isComplete,
  isFixed,
  lossesCsv,
  networkIn,
  secondsLeft,
  smooth,
} from './state';

const digits: DataDescription = { name: '', builtIn: true, count: 10_000, height: 28, width: 28 };

/** A step that takes longer than this is worth a word. */
const SLOW_MS = 2500;

export function createTrainPanel(app: App): TaskPanel {
  const fields = connectFields(app, byId('settings', HTMLFormElement), anyElement('settings-problem'));
  const more = connectFields(app, byId('more-settings', HTMLFormElement), anyElement('more-problem'));
  const moreDetails = byId('more-settings', HTMLFormElement).closest('details')!;
  moreDetails.addEventListener('toggle', () => app.changed());
  const curve = new Curve(anyElement('curve'), anyElement('curve-reading'));
  const gridView = new ImageView(byId('grid', HTMLCanvasElement));
  const grids = new History<{ readonly images: Uint8Array; readonly columns: number }>();
  const slider = byId('grid-history', HTMLInputElement);
  const strip = {
    clean: new ImageView(byId('strip-clean', HTMLCanvasElement)),
    noisy: new ImageView(byId('strip-noisy', HTMLCanvasElement)),
    predictions: new ImageView(byId('strip-predictions', HTMLCanvasElement)),
  };
  let stripStep: number | undefined;

  // ---------------------------------------------------------------- what people do

  const isRunning = () => app.state.training && app.state.phase !== 'pausing';
  const mayStart = () =>
    !app.measuring &&
    ['idle', 'paused', 'finished', 'lost'].includes(app.state.phase) &&
    fields.valid &&
    more.valid &&
    !isComplete(app.state, app.settings.epochs);

  const start = () => {
    if (mayStart()) app.send({ type: 'train' });
  };

  button('train').addEventListener('click', () => {
    if (isRunning()) app.send({ type: 'pause' });
    else start();
  });
  button('step').addEventListener('click', () => {
    if (mayStart()) app.send({ type: 'step' });
  });
  const reset = () => {
    const question = `Throw this run away? Of its steps, ${app.unsaved.toLocaleString('en')} are in no checkpoint; saving one would keep them.`;
    if (app.unsaved === 0 || confirm(question)) app.send({ type: 'reset' });
  };
  button('reset').addEventListener('click', reset);
  /** The learning rate to try after a divergence: half of it, in few digits. */
  const smallerRate = () => Math.max(0.000001, Number((app.settings.lr / 2).toPrecision(2)));
  button('error-back').addEventListener('click', () => {
    app.set('lr', String(smallerRate()));
    app.send({ type: 'goBack' });
  });
  button('error-action').addEventListener('click', () => {
    if (app.state.phase === 'lost') app.send({ type: 'train' });
    else reset();
  });
  for (const scale of ['linear', 'log'] as const satisfies readonly Scale[]) {
    button(`scale-${scale}`).addEventListener('click', () => {
      curve.setScale(scale);
      for (const other of ['linear', 'log'])
        button(`scale-${other}`).setAttribute('aria-pressed', String(other === scale));
    });
  }
  slider.addEventListener('input', () => {
    grids.choose(Number(slider.value));
    app.changed();
  });
  button('save-model').addEventListener('click', () => app.send({ type: 'saveModel' }));
  button('save-checkpoint').addEventListener('click', () => app.send({ type: 'saveCheckpoint' }));
  button('save-losses').addEventListener('click', () => {
    const { losses, run } = app.state;
    if (run) download('losses.csv', lossesCsv(losses, run.stepsPerEpoch), 'text/csv');
  });
  button('save-samples').addEventListener('click', () => {
    void gridView.png().then((png) => download('samples.png', png));
  });

  // ---------------------------------------------------------------- what the worker tells

  const row = (bytes: Uint8Array): Tiles => {
    const { height, width } = size();
    return { bytes, height, width, columns: bytes.length / (height * width) };
  };
  const size = () => {
    const { height, width } = app.state.data ?? digits;
    return { height, width };
  };

  const receive = (event: WorkerEvent) => {
    if (event.type === 'grid') grids.add(event.step, event);
    else if (event.type === 'strip') {
      stripStep = event.predictions ? event.step : undefined;
      const clean = row(event.clean);
      strip.clean.show(clean);
      strip.noisy.show(row(event.noisy));
      const { height, width, columns } = clean;
      strip.predictions.show(
        event.predictions ? row(event.predictions) : paperTiles(columns, height, width, columns),
      );
    } else if (event.type === 'freed') grids.clear();
    else if (event.type === 'saved') download(event.name, event.bytes);
  };

  // ---------------------------------------------------------------- what they see

  const renderControls = () => {
    const { state, settings } = app;
    const complete = isComplete(state, settings.epochs);
    const begun = state.losses.length > 0;
    const train = button('train');
    const pausing = state.phase === 'pausing';
    setText(
      train,
      pausing
        ? 'Pausing'
        : isRunning()
          ? 'Pause'
          : complete
            ? 'Train on'
            : begun || state.phase === 'lost'
              ? 'Resume'
              : 'Train',
    );
    train.disabled = !isRunning() && !mayStart();
    button('step').disabled = !mayStart();
    button('reset').disabled = state.phase === 'starting' || (!state.run && !state.error && !begun);
    const rested = complete
      ? 'Finished. Raise the epochs to train on'
      : describe(state.phase === 'finished' ? { ...state, phase: 'paused' } : state);
    const text = app.measuring && !state.training ? `The ${app.measuring} has the GPU` : rested;
    setText(anyElement('status-text'), text);
    const busy = ['starting', 'loading', 'compiling', 'pausing', 'sampling'].includes(state.phase);
    anyElement('status').classList.toggle('busy', busy || (state.phase === 'training' && !begun));
    const error = state.error?.at === 'task' ? state.error : undefined;
    anyElement('error').hidden = !error;
    setText(anyElement('error-text'), error?.message ?? '');
    setMessage(anyElement('warning'), state.warning);
    const { back } = error ?? {};
    button('error-back').hidden = back === undefined;
    setText(
      button('error-back'),
      `Go back to step ${whole(back ?? 0)} with a learning rate of ${smallerRate()}`,
    );
    const action = button('error-action');
    action.hidden = !error || !(state.run || state.phase === 'lost');
    if (state.phase === 'lost') {
      setText(action, begun ? `Go on from step ${whole(state.losses.length)}` : 'Start again');
    } else setText(action, 'Reset');
  };

  const renderReadings = () => {
    const { state, settings } = app;
    const { run, losses } = state;
    const done = losses.length;
    const total = run ? run.stepsPerEpoch * settings.epochs : 0;
    byId('progress', HTMLProgressElement).value = total > 0 ? Math.min(1, done / total) : 0;
    if (!run || done === 0) {
      for (const id of ['step', 'epoch', 'loss', 'mean', 'speed', 'left']) setReading(`reading-${id}`, '–');
    } else {
      const smoothed = smooth(losses.slice(-200));
      const means = epochMeans(losses, run.stepsPerEpoch);
      setReading('reading-step', whole(done), ` / ${whole(total)}`);
      setReading('reading-epoch', whole(epochOf(state)), ` / ${whole(settings.epochs)}`);
      setReading('reading-loss', lossText(smoothed[smoothed.length - 1]));
      setReading('reading-mean', means.length > 0 ? lossText(means[means.length - 1]) : '–');
      // None yet of a run that was begun elsewhere.
      setReading('reading-speed', state.imagesPerSecond > 0 ? measured(state.imagesPerSecond) : '–');
      const left = secondsLeft(state, settings.batch, settings.epochs);
      setReading('reading-left', left === 0 ? 'done' : duration(left));
    }
    const silence = performance.now() - app.changedAt;
    const waiting = ['training', 'compiling'].includes(state.phase) && silence > SLOW_MS;
    const slow = waiting
      ? `${state.phase === 'training' ? `step ${whole(done + 1)} has` : 'that has'} taken ${duration(silence / 1000)} so far`
      : '';
    const far =
      state.phase === 'compiling' && state.preparing
        ? `${whole(state.preparing.done)} of ${whole(state.preparing.total)}`
        : '';
    setText(anyElement('status-detail'), [far, slow].filter(Boolean).join('; '));
    const { firstStep } = app;
    const waited = firstStep
      ? ` The first step was done ${duration(firstStep.seconds)} after ${firstStep.from === 'page' ? 'the page was opened' : 'it was asked for'}.`
      : '';
    setText(
      anyElement('run-facts'),
      run
        ? `${whole(run.parameters)} parameters. The run takes ${megabytes(run.bytes)} of GPU memory, data included.${waited}`
        : '',
    );
    setText(anyElement('run-kernels'), run ? variantLines(run.variants).join('; ') : '');
  };

  const renderPictures = () => {
    const { state, settings } = app;
    curve.set(state.losses, state.run?.stepsPerEpoch ?? 1, settings.recipe);
    anyElement('curve-empty').hidden = state.losses.length > 0;
    const means = state.run ? epochMeans(state.losses, state.run.stepsPerEpoch) : [];
    // Read out when somebody comes by; renewed once an epoch, or it would never be read to its end.
    const summary =
      means.length > 0
        ? `means of the epochs ${means.map(lossText).join(', ')}`
        : state.losses.length > 0
          ? 'first epoch under way'
          : 'nothing yet';
    anyElement('curve').setAttribute('aria-label', `Loss of each step: ${summary}`);

    const entry = grids.shown;
    if (entry) {
      const { images: bytes, columns } = entry.value;
      if (gridView.shown?.bytes !== bytes) gridView.show({ bytes, columns, ...size() });
    } else if (settings.samples > 0)
      gridView.show(noiseTiles(settings.seed, settings.samples, networkIn('run', state, settings)));
    anyElement('grid').hidden = !entry && settings.samples === 0;
    const label = entry
      ? `after step ${whole(entry.step)}`
      : settings.samples > 0
        ? 'noise, before training'
        : 'switched off';
    setText(anyElement('grid-step'), label);
    anyElement('grid').setAttribute('aria-label', `Samples: ${label}`);
    slider.max = String(Math.max(0, grids.length - 1));
    slider.value = String(grids.index);
    slider.disabled = grids.length < 2;
    slider.setAttribute('aria-valuetext', label);
    setText(anyElement('strip-step'), stripStep === undefined ? '' : `after step ${whole(stripStep)}`);
    button('save-samples').disabled = !entry;
    button('save-losses').disabled = state.losses.length === 0;
    button('save-checkpoint').disabled = state.losses.length === 0;
    // The checkpoint is at hand when the device is gone, the network is not.
    button('save-model').disabled = state.losses.length === 0 || state.phase === 'lost';
  };

  const renderData = () => {
    const { state, settings } = app;
    // Until they are there: what will be.
    const data: DataDescription = state.data ?? digits;
    const used = settings.limit > 0 ? Math.min(settings.limit, data.count) : data.count;
    const labelled = data.classes === undefined ? '' : ` in ${whole(data.classes)} classes`;
    const name = data.builtIn
      ? `${whole(used)} of MNIST’s digits:`
      : `${data.name}: ${whole(used)} images of ${data.height} × ${data.width}${labelled}:`;
    setText(anyElement('data-name'), name);
    setText(anyElement('data-line'), workLine(used, settings.batch, settings.epochs));
    const { name: recipe, about } = recipeLines[settings.recipe];
    setText(anyElement('recipe-name'), recipe);
    setText(anyElement('recipe-line'), about);
    const told = data.builtIn ? 'told the digit' : 'told the class';
    setText(anyElement('strip-told'), settings.recipe === 'digits' ? told : '');
    const locked = isFixed(state);
    for (const id of ['files', 'checkpoint-file']) byId(id, HTMLInputElement).disabled = locked;
    button('use-digits').hidden = data.builtIn || locked;
    setText(
      anyElement('data-hint'),
      locked
        ? 'Reset the run to train on other images or to go on from a checkpoint'
        : 'or drop them anywhere on the page; IDX plain or .gz, images and their labels together',
    );
  };

  return {
    start,
    receive,
    render() {
      fields.render();
      more.render();
      // The reason why nothing can be started must be in sight.
      if (!more.valid) moreDetails.open = true;
      renderControls();
      renderReadings();
      renderPictures();
      renderData();
    },
  };
}
