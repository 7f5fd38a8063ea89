/** The Train tab's pictures: the loss curve, the live samples with a slider over the run, and the strip of eight images. */
import type { App } from '../shell/app';
import { anyElement, button, byId, download, setText } from '../shell/dom';
import { setDisabled } from '../shell/focus';
import { loss as lossText, whole } from '../shell/format';
import { ImageView, noiseTiles, paperTiles, pngOf, type Tiles } from '../shell/images';
import { animation, gridsNpy, sheet } from '../shell/make_files';
import { runFileName } from '../shell/run_file_name';
import { epochMeans, networkIn, smoothLoss } from '../shell/state';
import type { Shape } from '../shell/trajectory';
import type { WorkerEvent } from '../worker/messages';
import { Curve, type Scale } from './curve';
import type { Overlay } from './curve_data';
import { History } from './history';
import { digits } from './train_data';

interface Part {
  receive(event: WorkerEvent): void;
  render(): void;
}

const FRAME_MS = 200;

const sizeOf = ({ state }: App) => {
  const { height, width } = state.data ?? digits;
  return { height, width };
};

export function connectPictures(app: App, overlays: () => readonly Overlay[]): Part {
  const parts = [connectCurve(app, overlays), connectSamples(app), connectStrip(app)];
  return {
    receive(event) {
      for (const part of parts) part.receive(event);
    },
    render() {
      for (const part of parts) part.render();
    },
  };
}

function connectCurve(app: App, overlays: () => readonly Overlay[]): Part {
  const curve = new Curve(anyElement('curve'), {
    at: anyElement('curve-at'),
    each: anyElement('curve-each'),
    smoothed: anyElement('curve-smoothed'),
    held: anyElement('curve-held'),
  });
  for (const scale of ['linear', 'log'] as const satisfies readonly Scale[]) {
    button(`scale-${scale}`).addEventListener('click', () => {
      curve.setScale(scale);
      for (const other of ['linear', 'log'])
        button(`scale-${other}`).setAttribute('aria-pressed', String(other === scale));
    });
  }
  return {
    receive() {},
    render() {
      const { state, settings } = app;
      const { losses, measured } = state;
      const { heldOut, rates } = measured;
      const stepsPerEpoch = state.run?.stepsPerEpoch ?? 1;
      const { recipe, batch } = settings;
      const curves = { losses, heldOut, rates, overlays: overlays(), batch, stepsPerEpoch, recipe };
      curve.set(curves);
      anyElement('curve-empty').hidden = losses.length > 0 || overlays().length > 0;
      const means = state.run ? epochMeans(state.losses, state.run.stepsPerEpoch) : [];
      // Read out when somebody comes by; while it trains renewed once an epoch, or it would never be read to its end.
      const summary =
        means.length > 0
          ? `means of the epochs ${means.map(lossText).join(', ')}`
          : state.losses.length > 0
            ? 'first epoch under way'
            : 'nothing yet';
      const smoothed = state.phase === 'training' ? undefined : smoothLoss(losses, batch);
      const now =
        smoothed === undefined ? '' : `; smoothed ${lossText(smoothed)} after step ${whole(losses.length)}`;
      const held = heldOut.length > 0 ? `; held out ${lossText(heldOut[heldOut.length - 1].loss)}` : '';
      const changes = rates.map(({ step, lr }) => `; learning rate ${lr} after step ${step}`).join('');
      anyElement('curve').setAttribute('aria-label', `Loss of each step: ${summary}${now}${held}${changes}`);
    },
  };
}

interface Grid {
  readonly images: Uint8Array;
  readonly columns: number;
}

function connectSamples(app: App): Part {
  const view = new ImageView(byId('grid', HTMLCanvasElement));
  const grids = new History<Grid>();
  const slider = byId('grid-history', HTMLInputElement);
  let timer: ReturnType<typeof setInterval> | undefined;

  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  const choose = (index: number) => {
    grids.choose(index);
    if (index >= grids.length - 1) stop();
    app.changed();
  };
  slider.addEventListener('input', () => {
    stop();
    choose(Number(slider.value));
  });
  button('grid-play').addEventListener('click', () => {
    if (timer !== undefined) stop();
    else {
      timer = setInterval(() => choose(grids.index + 1), FRAME_MS);
      choose(0);
    }
    app.changed();
  });
  const name = (step: string, ending: string) => runFileName(app.settings, `samples-${step}`, ending);
  button('save-samples').addEventListener('click', async () => {
    const entry = grids.shown;
    if (entry) download(name(`step-${entry.step}`, 'png'), await view.png());
  });
  connectRunFiles(app, grids, name);

  return {
    receive(event) {
      if (event.type === 'grid') grids.add(event.step, event);
      else if (event.type === 'freed') {
        stop();
        grids.clear();
      }
    },
    render() {
      const { state, settings } = app;
      const entry = grids.shown;
      if (entry) {
        const { images: bytes, columns } = entry.value;
        if (view.shown?.bytes !== bytes) view.show({ bytes, columns, ...sizeOf(app) });
      } else if (settings.samples > 0)
        view.show(noiseTiles(settings.seed, settings.samples, networkIn('run', state, settings)));
      anyElement('grid').hidden = !entry && settings.samples === 0;
      const off = settings.samples > 0 ? 'noise, before training' : 'switched off';
      const label = entry ? `after step ${whole(entry.step)}` : off;
      setText(anyElement('grid-step'), label);
      anyElement('grid').setAttribute('aria-label', `Samples: ${label}`);
      slider.max = String(Math.max(0, grids.length - 1));
      slider.value = String(grids.index);
      slider.disabled = grids.length < 2;
      slider.setAttribute('aria-valuetext', label);
      slider.title = grids.length > 0 ? `Pictures from step ${whole(grids.all[0].step)} on` : '';
      setText(button('grid-play'), timer === undefined ? 'Play' : 'Stop');
      setDisabled(button('grid-play'), grids.length < 2);
      setDisabled(button('save-samples'), !entry);
      for (const id of ['save-history', 'save-history-png', 'save-history-npy'])
        setDisabled(button(id), grids.length < 2);
      for (const id of ['save-losses', 'save-checkpoint']) setDisabled(button(id), state.losses.length === 0);
      // The checkpoint is at hand when the device is gone, the network is not.
      setDisabled(button('save-model'), state.losses.length === 0 || state.phase === 'lost');
    },
  };
}

/** All grids as one file: those that are as large as the first one. */
function connectRunFiles(app: App, grids: History<Grid>, name: (step: string, ending: string) => string) {
  const save = async (
    ending: string,
    content: (all: readonly Uint8Array[], shape: Shape) => Promise<BlobPart> | BlobPart,
  ) => {
    const [{ value: first }] = grids.all;
    const all = grids.all.filter(({ value }) => value.images.length === first.images.length);
    const images = all.map(({ value }) => value.images);
    const shape = { columns: first.columns, ...sizeOf(app) };
    download(name(`to-step-${all[all.length - 1].step}`, ending), await content(images, shape));
  };
  const frames = (all: readonly Uint8Array[], shape: Shape) => all.map((bytes) => ({ bytes, shape }));
  const click = (id: string, does: () => void) => button(id).addEventListener('click', does);
  click('save-history', () => save('gif', (all, shape) => animation(frames(all, shape), FRAME_MS)));
  click('save-history-png', () => save('png', (all, shape) => pngOf(sheet(all, shape))));
  click('save-history-npy', () => save('npy', gridsNpy));
}

function connectStrip(app: App): Part {
  const clean = new ImageView(byId('strip-clean', HTMLCanvasElement));
  const noisy = new ImageView(byId('strip-noisy', HTMLCanvasElement));
  const predictions = new ImageView(byId('strip-predictions', HTMLCanvasElement));
  let step: number | undefined;
  const row = (bytes: Uint8Array): Tiles => {
    const { height, width } = sizeOf(app);
    return { bytes, height, width, columns: bytes.length / (height * width) };
  };
  return {
    receive(event) {
      if (event.type !== 'strip') return;
      step = event.predictions ? event.step : undefined;
      const tiles = row(event.clean);
      clean.show(tiles);
      noisy.show(row(event.noisy));
      const { height, width, columns } = tiles;
      predictions.show(
        event.predictions ? row(event.predictions) : paperTiles(columns, height, width, columns),
      );
    },
    render() {
      setText(anyElement('strip-step'), step === undefined ? '' : `after step ${whole(step)}`);
    },
  };
}
