/** The Sample tab: from noise to images, one step at a time, with a slider to look back. */
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, download, setMessage, setText } from './dom';
import { connectFields } from './fields';
import { some, whole } from './format';
import { ImageView, noiseTiles, paperTiles } from './images';
import { columnsFor, usualCount } from './order';
import { connectOrder } from './order_fields';
import type { Source, WorkerEvent } from './protocol';
import { PRETRAINED_STEPS } from './recipe_text';
import { describe } from './state';

interface Frame {
  /** Counts from 1. */
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
  /** The network that made the samples, and the number of steps that the run's network had been trained for by then. */
  let maker = { source: 'run' as Source, trained: 0, looksTwice: false };
  /** Whether samples exist or have been ordered. */
  let ordered = false;
  let { recipe } = app.settings;
  /** The shape of the frames: a model from a file may be for images of another size than the data. */
  let shape = { columns: 1, height: 28, width: 28 };
  /** The chosen frame; undefined follows the newest. */
  let chosen: number | undefined;
  let playing: ReturnType<typeof setInterval> | undefined;

  const stopPlaying = () => {
    clearInterval(playing);
    playing = undefined;
  };
  const forget = () => {
    ordered = false;
    frames = [];
    chosen = undefined;
    stopPlaying();
  };
  const ready = () =>
    !app.measuring && ['idle', 'paused', 'finished', 'training', 'lost'].includes(app.state.phase);

  /** An order is also possible while another is running, which it replaces. */
  const open = () => (ready() || ['sampling', 'compiling'].includes(app.state.phase)) && !app.measuring;
  const count = () =>
    app.settings.count || usualCount(app.network.recipe, app.state.adapter?.software ?? false);

  const order = () => {
    if (!open() || !fields.valid) return;
    stopPlaying();
    ordered = true;
    const { source } = app;
    const { steps, noise: seed, digit, guidance, method } = app.settings;
    app.send({ type: 'sample', order: { source, steps, count: count(), seed, digit, guidance, method } });
  };
  const start = () => {
    if (ready()) order();
  };
  /** If samples are shown, replaces them with those of the current settings. */
  const again = () => {
    if (ordered) order();
  };
  const orderFields = connectOrder(app, order, again);

  button('sample').addEventListener('click', () => {
    if (app.state.phase === 'sampling') app.send({ type: 'stopSampling' });
    else start();
  });
  for (const preset of ['5', '20', '50']) {
    // Enters the value like typed text, so that it also replaces illegal text.
    button(`steps-${preset}`).addEventListener('click', () => {
      const input = byId('steps', HTMLInputElement);
      input.value = preset;
      input.dispatchEvent(new Event('change'));
    });
  }
  button('noise-next').addEventListener('click', () => {
    app.set('noise', String((app.settings.noise + 1) % 2 ** 32));
    order();
  });
  for (const choice of ['pretrained', 'run'] as const) {
    button(`use-${choice}`).addEventListener('click', () => {
      app.useFile = false;
      app.set('model', choice);
      again();
    });
  }
  button('use-file').addEventListener('click', () => {
    app.useFile = true;
    app.changed();
    again();
  });
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

  const renderFrames = () => {
    const at = chosen ?? frames.length - 1;
    const frame = frames[at];
    const tiles = (bytes: Uint8Array) => ({ bytes, ...shape });
    if (!frame) {
      const { network } = app;
      const { height, width, classes } = network;
      xView.show(noiseTiles(app.settings.noise, count(), network));
      predictionView.show(paperTiles(count(), height, width, columnsFor(count(), classes)));
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
          : maker.looksTwice
            ? 'This step looks at x twice, at its beginning and at its end, and goes between the two ways.'
            : `After looking at x, this step moves it 1/${whole(left)} of the way to the prediction.`,
    );
    button('save-sampled').disabled = frame === undefined || frame.step !== steps;
  };

  const nameOf = (source: Source, trained: number) => {
    if (source === 'pretrained') return `the pretrained network, ${some(PRETRAINED_STEPS, 'step')}`;
    if (source === 'file') return `the file ${app.state.model?.name}`;
    return trained > 0 ? `this page’s run, step ${whole(trained)}` : 'an untrained network';
  };
  const renderModel = () => {
    const { source } = app;
    const now = app.state.losses.length;
    const made = nameOf(maker.source, maker.trained);
    const chosen = nameOf(source, now);
    if (frames.length > 0 && made !== chosen) {
      const isRun = source === 'run' && maker.source === 'run';
      return `Made by ${made}; ${isRun ? `it is at step ${whole(now)} now` : `now chosen: ${chosen}`}`;
    }
    if (source !== 'run' || now > 0) return `${chosen[0].toUpperCase()}${chosen.slice(1)}`;
    return 'An untrained network: it makes mere shades. Train it first, or take the pretrained one';
  };
  const renderSource = () => {
    const { source, state } = app;
    for (const each of ['pretrained', 'run', 'file'] as const)
      button(`use-${each}`).setAttribute('aria-pressed', String(each === source));
    button('use-file').hidden = state.model === undefined;
    setText(button('use-file'), state.model?.name ?? '');
  };

  return {
    start,
    receive(event: WorkerEvent) {
      if (event.type === 'model' || (event.type === 'freed' && maker.source === 'run')) {
        forget();
      }
      // Ignores samples of a run that was discarded halfway.
      if (event.type !== 'sampled' || !ordered) return;
      if (event.step === 1) {
        const { source, method } = event.order;
        const looksTwice = method === 'heun' && app.network.recipe === 'digits';
        maker = { source, trained: app.state.losses.length, looksTwice };
        frames = [];
        chosen = undefined;
      }
      ({ steps } = event.order);
      shape = { columns: event.columns, height: event.height, width: event.width };
      if (event.frame) frames.push({ step: event.step, ...event.frame });
    },
    render() {
      if (recipe !== app.settings.recipe) {
        ({ recipe } = app.settings);
        forget();
      }
      fields.render();
      orderFields.render(open());
      renderSource();
      byId('count', HTMLInputElement).placeholder = String(
        usualCount(app.network.recipe, app.state.adapter?.software ?? false),
      );
      button('noise-next').disabled = !(open() && fields.valid);
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
        state.losses.length === 0 || state.phase === 'lost' || app.source !== 'run';
      renderFrames();
    },
  };
}
