/** The Sample tab: from noise to images, a step at a time, to look back and forth on. */
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, download, setMessage, setText } from './dom';
import { connectFields } from './fields';
import { some, whole } from './format';
import { columnsFor, ImageView, noiseTiles, paperTiles } from './images';
import type { WorkerEvent } from './protocol';
import { describe } from './state';

interface Frame {
  /** From 1. */
  readonly step: number;
  readonly x: Uint8Array;
  readonly prediction: Uint8Array;
}

const FRAME_MS = 120;

export function createSamplePanel(app: App): TaskPanel {
  const fields = connectFields(app, byId('sample-settings', HTMLFormElement), anyElement('sample-problem'));
  const xView = new ImageView(byId('sample-x', HTMLCanvasElement));
  const predictionView = new ImageView(byId('sample-prediction', HTMLCanvasElement));
  const slider = byId('frame', HTMLInputElement);
  let frames: Frame[] = [];
  let steps = 0;
  /** So many steps the run's network had behind it when it made them. */
  let trained = 0;
  /** Of the frames: a model from a file may be for other images than the data. */
  let shape = { count: 0, height: 28, width: 28 };
  /** Undefined follows the newest. */
  let chosen: number | undefined;
  let playing: ReturnType<typeof setInterval> | undefined;

  const stopPlaying = () => {
    clearInterval(playing);
    playing = undefined;
  };
  const ready = () =>
    !app.measuring && ['idle', 'paused', 'finished', 'training', 'lost'].includes(app.state.phase);

  const start = () => {
    if (!ready() || !fields.valid) return;
    stopPlaying();
    const { steps, count, noise } = app.settings;
    app.send({ type: 'sample', steps, count, seed: noise });
  };

  button('sample').addEventListener('click', () => {
    if (app.state.phase === 'sampling') app.send({ type: 'stopSampling' });
    else start();
  });
  for (const preset of ['5', '50']) {
    // As if it were typed, so that it replaces what is not legal, too.
    button(`steps-${preset}`).addEventListener('click', () => {
      const input = byId('steps', HTMLInputElement);
      input.value = preset;
      input.dispatchEvent(new Event('change'));
    });
  }
  slider.addEventListener('input', () => {
    stopPlaying();
    const at = Number(slider.value);
    chosen = at >= frames.length - 1 ? undefined : at;
    app.changed();
  });
  button('play').addEventListener('click', () => {
    if (playing !== undefined) stopPlaying();
    else {
      chosen = 0;
      playing = setInterval(() => {
        chosen = (chosen ?? 0) + 1;
        if (chosen >= frames.length - 1) {
          chosen = undefined;
          stopPlaying();
        }
        app.changed();
      }, FRAME_MS);
    }
    app.changed();
  });
  button('save-sampled').addEventListener('click', () => {
    const last = frames[frames.length - 1];
    if (!last) return;
    void predictionView.png().then((png) => download('samples.png', png));
  });
  button('save-model-2').addEventListener('click', () => app.send({ type: 'saveModel' }));
  button('close-model').addEventListener('click', () => app.send({ type: 'closeModel' }));

  const renderFrames = () => {
    const { count, height, width } = shape;
    const at = chosen ?? frames.length - 1;
    const frame = frames[at];
    const tiles = (bytes: Uint8Array) => ({ bytes, height, width, columns: columnsFor(count) });
    if (!frame) {
      const { noise, count } = app.settings;
      const { height, width } = app.state.data ?? shape;
      xView.show(noiseTiles(noise, count, height, width));
      predictionView.show(paperTiles(count, height, width));
    } else if (xView.shown?.bytes !== frame.x) {
      xView.show(tiles(frame.x));
      predictionView.show(tiles(frame.prediction));
    }
    slider.max = String(Math.max(0, frames.length - 1));
    slider.value = String(Math.max(0, at));
    slider.disabled = frames.length < 2;
    button('play').disabled = frames.length < 2 || app.state.phase === 'sampling';
    setText(button('play'), playing === undefined ? 'Play' : 'Stop');
    const label = frame ? `step ${whole(frame.step)} of ${whole(steps)}` : 'no steps yet';
    setText(anyElement('frame-label'), label);
    slider.setAttribute('aria-valuetext', label);
    const left = frame ? steps - frame.step + 1 : 0;
    setText(
      anyElement('frame-note'),
      !frame
        ? 'Each step moves x a little towards the prediction; the last one arrives there.'
        : left === 1
          ? 'The last step takes the prediction itself: these are the samples.'
          : `After looking at x, this step moves it 1/${whole(left)} of the way to the prediction.`,
    );
    button('save-sampled').disabled = frame === undefined || frame.step !== steps;
  };

  const renderModel = () => {
    const { losses, model } = app.state;
    if (model) return `The network of ${model}`;
    const now = losses.length;
    if (frames.length > 0 && trained !== now) {
      const then = trained > 0 ? `network after ${some(trained, 'training step')}` : 'untrained network';
      return `Made by the ${then}; it is at step ${whole(now)} now`;
    }
    if (now > 0) return `The network after ${some(now, 'training step')}`;
    return 'An untrained network: it makes mere shades. Train it first, or open a model';
  };

  return {
    start,
    receive(event: WorkerEvent) {
      if (event.type === 'model' || (event.type === 'freed' && !app.state.model)) {
        frames = [];
        chosen = undefined;
        stopPlaying();
      }
      if (event.type !== 'sampled') return;
      if (event.step === 1) {
        trained = app.state.losses.length;
        frames = [];
        chosen = undefined;
      }
      ({ steps } = event);
      shape = { count: event.count, height: event.height, width: event.width };
      if (event.frame) frames.push({ step: event.step, ...event.frame });
    },
    render() {
      fields.render();
      const { state } = app;
      const sampling = state.phase === 'sampling';
      const sample = button('sample');
      setText(sample, sampling ? 'Stop' : 'Sample');
      sample.disabled = !sampling && !(ready() && fields.valid);
      const words = state.phase === 'training' ? 'Training goes on' : describe(state);
      const text = sampling && state.training ? 'Sampling; the training waits' : words;
      const resting = ['idle', 'paused', 'finished'].includes(state.phase);
      const rested = app.measuring ? `The ${app.measuring} has the GPU` : 'Ready';
      setText(anyElement('sample-status-text'), resting ? rested : text);
      const busy = ['starting', 'loading', 'compiling', 'pausing', 'sampling'].includes(state.phase);
      anyElement('sample-status').classList.toggle('busy', busy);
      setText(anyElement('sample-model'), renderModel());
      const { sampling: progress } = state;
      byId('sample-progress', HTMLProgressElement).value = progress ? progress.step / progress.steps : 0;
      setMessage(anyElement('sample-error'), state.error?.at === 'task' ? state.error.message : undefined);
      button('save-model-2').disabled =
        state.losses.length === 0 || state.phase === 'lost' || state.model !== undefined;
      button('close-model').hidden = state.model === undefined;
      setText(
        button('close-model'),
        state.losses.length > 0 ? 'Back to the network in training' : 'Back to a new network',
      );
      renderFrames();
    },
  };
}
