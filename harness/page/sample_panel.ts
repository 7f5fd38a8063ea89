/** The Make tab: digits to order, step by step out of noise. */
import type { App, TaskPanel } from './app';
import { anyElement, button, byId, download, setMessage, setText } from './dom';
import { connectFields } from './fields';
import { setDisabled } from './focus';
import { foldFields } from './fold';
import { noiseTiles, paperTiles, pngOf } from './images';
import { fileName, stepPicture, trajectoryGif, trajectoryNpy, trajectorySheet } from './make_files';
import { columnsFor, columnsForText, usualCount } from './order';
import { connectOrder } from './order_fields';
import type { Order } from './protocol';
import { promise, queryOf, share } from './share';
import { connectSource, type Maker } from './source_panel';
import { describe } from './state';
import { Trajectory } from './trajectory';
import { connectTrajectory } from './trajectory_view';

export function createSamplePanel(app: App): TaskPanel {
  const fields = connectFields(app, byId('sample-settings', HTMLFormElement), anyElement('sample-problem'));
  const trajectory = new Trajectory(() => app.changed());
  foldFields('sample-fold');
  let maker: Maker = { source: 'run', trained: 0 };
  /** Whether images exist or have been ordered. */
  let ordered = false;
  let { recipe } = app.settings;

  const forget = () => {
    ordered = false;
    trajectory.clear();
  };
  const ready = () =>
    !app.measuring && ['idle', 'paused', 'finished', 'training', 'lost'].includes(app.state.phase);
  /** An order is also possible while another is running, which it replaces. */
  const open = () => (ready() || ['sampling', 'compiling'].includes(app.state.phase)) && !app.measuring;
  /** What is written; a network without classes cannot be told it. */
  const text = () => (app.network.classes > 0 ? app.settings.text : '');
  const usual = () => usualCount(app.network.recipe, app.state.adapter?.software ?? false);
  const count = () => text().length || app.settings.count || usual();

  /** What the settings ask for. */
  const chosen = (): Order => {
    const { steps, noise: seed, digit, guidance, method } = app.settings;
    return { source: app.source, steps, count: count(), seed, digit, text: text(), guidance, method };
  };
  const order = () => {
    if (!open() || !fields.valid) return;
    trajectory.stop();
    ordered = true;
    app.send({ type: 'sample', order: chosen() });
  };
  /** If images are shown, replaces them with those of the current settings. */
  const again = () => {
    if (ordered) order();
  };
  const orderFields = connectOrder(app, order, again);
  const start = () => {
    if (ready() && orderFields.check()) order();
  };
  connectButtons(app, start, order);
  connectDownloads(app, trajectory);
  connectShare(app, trajectory, chosen);
  const source = connectSource(app, again, () => (trajectory.shown ? maker : undefined));
  const view = connectTrajectory(app, trajectory, () => placeholders(app, count(), text()));

  return {
    start,
    receive(event) {
      const replaced = event.type === 'distilled' && event.made && maker.source === 'file';
      if (event.type === 'model' || replaced || (event.type === 'freed' && maker.source === 'run')) forget();
      // Ignores images of a run that was discarded halfway.
      if (event.type !== 'sampled' || !ordered) return;
      if (event.step === 1) maker = { source: event.order.source, trained: app.state.losses.length };
      trajectory.add(event);
    },
    render() {
      if (recipe !== app.settings.recipe) {
        ({ recipe } = app.settings);
        forget();
      }
      fields.render();
      orderFields.render(open());
      source.render();
      byId('count', HTMLInputElement).placeholder = String(usual());
      setDisabled(button('noise-next'), !(open() && fields.valid));
      const sampling = app.state.phase === 'sampling';
      setText(button('sample'), sampling ? 'Stop' : 'Make');
      setDisabled(button('sample'), !sampling && !(ready() && fields.valid && orderFields.valid));
      renderStatus(app);
      view.render();
      setDisabled(button('save-sampled'), !trajectory.shown);
      for (const id of ['save-sheet', 'save-gif', 'save-npy']) setDisabled(button(id), !trajectory.complete);
    },
  };
}

/** What is shown before there are images: the noise that they will come from, and paper. */
function placeholders({ network, settings }: App, count: number, text: string) {
  const { height, width, classes } = network;
  const columns = text ? columnsForText(text) : columnsFor(count, classes);
  return {
    x: noiseTiles(settings.noise, count, network, columns),
    prediction: paperTiles(count, height, width, columns),
  };
}

function connectButtons(app: App, start: () => void, order: () => void): void {
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
}

const tell = (words: string) => setText(anyElement('shared'), words);

function connectDownloads(app: App, trajectory: Trajectory): void {
  const save = (name: string, content: BlobPart | Blob) => {
    download(name, content);
    tell(`Saved as ${name}.`);
  };
  /** The shown images are of the recipe that made them: another one clears them. */
  const name = (step: number | 'all', ending: string) =>
    fileName(app.network.recipe, trajectory.order!, step, ending);
  button('save-sampled').addEventListener('click', async () => {
    const { shown, shape, order } = trajectory;
    if (!shown) return;
    const file = name(shown.step, 'png');
    save(file, await pngOf(stepPicture(shown, shape, shown.step === order!.steps)));
  });
  button('save-sheet').addEventListener('click', async () => {
    const { frames, shape } = trajectory;
    save(name('all', 'png'), await pngOf(trajectorySheet(frames, shape)));
  });
  button('save-gif').addEventListener('click', async () => {
    const file = name('all', 'gif');
    tell('Making the animation…');
    save(file, await trajectoryGif(trajectory.frames, trajectory.shape));
  });
  button('save-npy').addEventListener('click', () => {
    save(name('all', 'npy'), trajectoryNpy(trajectory.frames, trajectory.shape));
  });
}

/** Shares what is shown, whatever has been chosen since; before there is anything, what is chosen. */
function connectShare(app: App, trajectory: Trajectory, chosen: () => Order): void {
  button('share').addEventListener('click', async () => {
    const made = trajectory.shown && trajectory.order;
    const order = made ?? chosen();
    const url = new URL(queryOf(app.settings, order), location.href).href;
    tell(await share(url, promise(order.source, made !== undefined)));
  });
}

function renderStatus(app: App): void {
  const { state } = app;
  const making = state.training ? 'Making images; the training waits' : 'Making images';
  const words = state.phase === 'training' ? 'Training goes on' : describe(state);
  const text = state.phase === 'sampling' ? making : words;
  const resting = ['idle', 'paused', 'finished'].includes(state.phase);
  const rested = app.measuring ? `The ${app.measuring} has the GPU` : 'Ready';
  setText(anyElement('sample-status-text'), resting ? rested : text);
  const busy = ['starting', 'loading', 'compiling', 'pausing', 'sampling'].includes(state.phase);
  anyElement('sample-status').classList.toggle('busy', busy);
  const { sampling, preparing } = state;
  const compiled = state.phase === 'compiling' ? preparing : undefined;
  setText(anyElement('sample-detail'), compiled ? `${compiled.done} of ${compiled.total}` : '');
  const bar = byId('sample-progress', HTMLProgressElement);
  bar.value = compiled ? compiled.done / compiled.total : sampling ? sampling.step / sampling.steps : 0;
  setMessage(anyElement('sample-error'), state.error?.at === 'task' ? state.error.message : undefined);
}
