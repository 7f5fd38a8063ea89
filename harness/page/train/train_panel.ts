/** The Train tab, whose parts are modules of their own: what to press, what there is to read, pictures, images. */
import type { App, TaskPanel } from '../shell/app';
import { button, byId, download } from '../shell/dom';
import { connectFields } from '../shell/fields';
import { foldFields } from '../shell/fold';
import { ratesOf } from '../shell/measurements';
import { runFileName } from '../shell/run_file_name';
import { isComplete, lossesCsv } from '../shell/state';
import { createDistilPanel } from './distil_panel';
import { createMeasuresView } from './measures_view';
import { createRunsTable } from './runs_table';
import { connectControls } from './train_controls';
import { renderData } from './train_data';
import { connectPictures } from './train_pictures';
import { renderReadings } from './train_readings';

/** How often it is looked whether something takes long, which no event tells. */
const LOOK_MS = 1000;

export function createTrainPanel(app: App): TaskPanel {
  const fields = connectFields(
    app,
    byId('settings', HTMLFormElement),
    byId('settings-problem', HTMLParagraphElement),
  );
  const choices = ['recipes', 'begin-form'].map((id) => connectFields(app, byId(id, HTMLFormElement)));
  const moreForm = byId('more-settings', HTMLFormElement);
  const more = connectFields(app, moreForm, byId('more-problem', HTMLParagraphElement));
  const moreDetails = moreForm.closest('details')!;
  moreDetails.addEventListener('toggle', () => app.changed());
  foldFields('settings-fold');
  setInterval(() => {
    if (['training', 'compiling'].includes(app.state.phase)) app.changed();
  }, LOOK_MS);

  const mayStart = () => {
    const { phase, data } = app.state;
    const resting = ['idle', 'paused', 'finished', 'lost'].includes(phase);
    // The first images need not be there yet.
    const ready = resting || (phase === 'loading' && !data);
    return (
      !app.measuring &&
      !app.state.distilling &&
      ready &&
      fields.valid &&
      more.valid &&
      !isComplete(app.state, app.settings.epochs)
    );
  };
  const start = () => {
    if (mayStart()) app.send('train');
  };
  const controls = connectControls(app, mayStart, start);
  const measures = createMeasuresView(app);
  const runs = createRunsTable(app);
  const distil = createDistilPanel(app);
  const pictures = connectPictures(app, () => runs.overlays);
  button('save-model').addEventListener('click', () => app.send('saveModel'));
  button('save-checkpoint').addEventListener('click', () => app.send('saveCheckpoint'));
  button('save-losses').addEventListener('click', () => {
    const { losses, run, measured } = app.state;
    if (!run) return;
    const heldOut = new Map(measured.heldOut.map(({ step, loss }) => [step, loss]));
    const accepted = new Map(measured.quality.map(({ step, accepted: share }) => [step, share]));
    const rates = ratesOf(measured, losses.length, app.settings.lr);
    const text = lossesCsv(losses, run.stepsPerEpoch, {
      learning_rate: new Map(rates.map((rate, i) => [i + 1, rate])),
      held_out_loss: heldOut,
      accepted,
    });
    download(runFileName(app.settings, `losses-step-${losses.length}`, 'csv'), text, 'text/csv');
  });

  return {
    start,
    receive(event) {
      if (event.type === 'saved') download(event.name, event.bytes);
      runs.receive?.(event);
      distil.receive?.(event);
      pictures.receive(event);
    },
    render() {
      for (const each of [fields, more, ...choices]) each.render();
      // The reason why nothing can be started must be in sight.
      if (!more.valid) moreDetails.open = true;
      controls.render();
      renderReadings(app);
      runs.render();
      distil.render();
      pictures.render();
      measures.render();
      renderData(app);
    },
  };
}
