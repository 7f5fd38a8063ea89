/** The Train view's pictures: the live samples with a slider over the run, and the strip of eight images. */

import { type Classes, labelName } from '../../pictures/class_names';
import { whole } from '../../text/units';
import type { Pictures, WorkerEvent } from '../messages/messages';
import { fullGrid, hasNames, runFileName } from '../messages/order';
import type { Grid, History } from '../runs/history';
import type { App } from '../shell/app';
import {
  anyElement,
  byId,
  download,
  downloadMade,
  type MakeFiles,
  make,
  onClick,
  setDisabled,
  setHidden,
  setText,
} from '../shell/dom';
import { connectScrub } from '../shell/fields';
import { ImageView, noiseTiles, type Tiles, toPng } from '../shell/images';
import { dataName, isBegun, networkIn } from '../shell/state';
import type { Shape } from '../shell/trajectory';
import { digitsDescription } from './plan';

interface Part {
  receive(event: WorkerEvent): void;
  render(): void;
}

const FRAME_MS = 200;

const dataSize = ({ state }: App) => {
  const { height, width, channels } = state.data ?? digitsDescription;
  return { height, width, channels };
};

export function connectPictures(app: App): Part {
  const samples = connectSamples(app);
  const strip = connectStrip(app);
  return {
    receive: strip.receive,
    render() {
      samples.render();
      strip.render();
    },
  };
}

function connectSamples(app: App): { render(): void } {
  const view = new ImageView('grid');
  const { grids } = app;
  const slider = byId('grid-history', HTMLInputElement);
  const renderScrub = connectScrub(grids, slider, 'grid-play', FRAME_MS);
  const name = (step: string, ending: string) =>
    runFileName(app.settings, dataName(app.state), `samples-${step}`, ending);
  onClick('save-samples', async () => {
    const entry = grids.shown;
    if (entry) download(name(`step-${entry.step}`, 'png'), await view.png());
  });
  connectRunFiles(app, grids, name);

  return {
    render() {
      const { state, settings } = app;
      const entry = grids.shown;
      const network = networkIn('run', state, settings);
      setHidden('samples', !entry && !isBegun(state));
      if (entry) {
        const { images, columns, isLast } = entry;
        const pictures = { bytes: images, columns, ...dataSize(app) };
        view.show((isLast && app.enlargements.of(pictures, 'run')) || pictures);
      } else if (settings.samples > 0)
        view.show(noiseTiles(settings.seed, fullGrid(settings.samples, network.classes), network));
      renderNames(anyElement('grid-names'), view.shown?.columns ?? 0, network);
      setHidden('grid', !entry && settings.samples === 0);
      const off = settings.samples > 0 ? 'the noise that they come from' : 'switched off';
      const label = entry ? `after step ${whole(entry.step)}` : off;
      setText('grid-step', label);
      anyElement('grid').ariaLabel = `Samples: ${label}`;
      setHidden('grid-scrub', state.losses.length === 0 && grids.length < 2);
      renderScrub(label);
      slider.title = grids.length > 0 ? `Pictures from step ${whole(grids.all[0].step)} on` : '';
      setDisabled('save-samples', !entry);
      for (const id of ['save-history', 'save-history-png', 'save-history-npy'])
        setDisabled(id, grids.length < 2);
      for (const id of ['save-losses', 'save-checkpoint']) setDisabled(id, state.losses.length === 0);
      // The checkpoint is at hand when the device is gone, the network is not.
      setDisabled('save-model', state.losses.length === 0 || state.phase === 'lost');
    },
  };
}

/** The name of each column's class above it, if it has one. */
function renderNames(host: HTMLElement, columns: number, network: Classes): void {
  const isNamed = hasNames(columns, network.classes);
  host.hidden = !isNamed;
  if (!isNamed) return;
  const names = Array.from({ length: columns }, (_, i) => labelName(i % network.classes, network.classNames));
  if (host.textContent === names.join('')) return;
  host.style.setProperty('--columns', String(columns));
  host.replaceChildren(...names.map((name) => make('span', { title: name }, name)));
}

/** All grids as one file: those that are as large as the first one. */
function connectRunFiles(app: App, grids: History<Grid>, name: (step: string, ending: string) => string) {
  const save = async (
    ending: string,
    content: (files: MakeFiles, all: readonly Uint8Array[], shape: Shape) => Promise<BlobPart> | BlobPart,
  ) => {
    const [first] = grids.all;
    const all = grids.all.filter(({ images }) => images.length === first.images.length);
    const images = all.map((grid) => grid.images);
    const shape = { columns: first.columns, ...dataSize(app) };
    const file = name(`to-step-${all.at(-1)!.step}`, ending);
    const problem = await downloadMade(file, (files) => content(files, images, shape));
    if (problem) app.notify(problem);
  };
  onClick('save-history', () =>
    save('gif', (files, all, shape) => {
      const frames = all.map((bytes) => ({ bytes, shape }));
      return files.animation(frames, FRAME_MS);
    }),
  );
  onClick('save-history-png', () => save('png', (files, all, shape) => toPng(files.sheet(all, shape))));
  onClick('save-history-npy', () => save('npy', (files, all, shape) => files.gridsNpy(all, shape)));
}

function connectStrip(app: App): Part {
  const clean = new ImageView('strip-clean');
  const noisy = new ImageView('strip-noisy');
  const predictions = new ImageView('strip-predictions');
  let strip: Pictures['strip'];
  const row = (bytes: Uint8Array): Tiles => {
    const { height, width, channels } = dataSize(app);
    return { bytes, height, width, channels, columns: bytes.length / (height * width * channels) };
  };
  return {
    receive(event) {
      if (event.type === 'pictures') strip = event.pictures.strip ?? strip;
    },
    render() {
      if (!strip) return;
      clean.show(row(strip.clean));
      noisy.show(row(strip.noisy));
      for (const id of ['strip-what', 'strip-predicted']) setHidden(id, !strip.predictions);
      if (strip.predictions) predictions.show(row(strip.predictions));
      setText('strip-step', strip.predictions ? `after step ${whole(strip.step)}` : '');
    },
  };
}
