/** Describes the training data on the Train view, and offers the choice of other images. */

import { type Recipe, recipes } from '../../../src/recipes';
import { plural, whole } from '../../text/units';
import { chosenBeginning, smallerRate, whyNew } from '../messages/fine_tune';
import type { DataDescription } from '../messages/messages';
import type { Settings } from '../messages/settings';
import type { App } from '../shell/app';
import { byId, setHidden, setMessage, setText } from '../shell/dom';
import { isFixed } from '../shell/state';
import { countImages, digitsDescription, type Planner } from './plan';

/** A network can only copy fewer pictures. */
const FEW = 10;

/** The data that the page has shown. */
let shown: DataDescription = digitsDescription;

/** How many images a run takes, and what becomes of them. */
export function dataWords(app: App): { images: string; use: string } {
  const { data = digitsDescription } = app.state;
  const { count, held } = countImages(app);
  const images = plural(count, data.builtIn ? 'digit' : 'picture');
  const parts = held > 0 ? `${whole(count - held)} to train on, ${whole(held)} held out` : '';
  return { images, use: data.builtIn || count >= FEW ? parts : 'the network can only copy them' };
}

export function renderData(app: App, planner: Planner): void {
  const { state, settings } = app;
  const data = state.data ?? digitsDescription;
  const { images, use } = dataWords(app);
  const labelled = data.classes === undefined ? '' : ` in ${whole(data.classes)} classes`;
  const name = data.builtIn
    ? `${whole(countImages(app).count)} of MNIST’s digits`
    : `${data.name}: ${images} of ${data.height} × ${data.width}${data.channels === 3 ? ' in colour' : ''}${labelled}`;
  setText('data-name', name);
  const { ahead } = planner;
  setMessage('data-line', ahead && `${images}${use && `: ${use}`}. ${ahead}`);
  // What was made of pictures is worth a look.
  if (data !== shown && !data.builtIn) byId('data', HTMLDetailsElement).open = true;
  shown = data;
  setMessage('data-notes', data.notes?.join(' ') || undefined);
  byId('pictures-form', HTMLFormElement).hidden = !data.pictures;
  const { cut = 0 } = data;
  setHidden('data-cut', cut === 0 || isFixed(state));
  setText('data-cut-text', `Of ${plural(cut, 'picture')} the middle is kept, and the edges are cut off.`);
  setHidden('ink-field', data.channels > 1);
  setText(
    byId('ink', HTMLSelectElement).options[0],
    `as found, ${data.ink ?? 'light'} on ${data.ink === 'dark' ? 'light' : 'dark'}`,
  );
  setHidden('stop-reading', !state.reading);
  const { trainer }: Recipe = recipes[settings.recipe];
  renderBeginning(settings, data, planner.wish !== undefined || state.planned !== undefined);
  const knows = data.builtIn ? 'knows the digit' : 'knows the class';
  const isConditioned = trainer.objective === 'flow' && data.classes !== undefined;
  setText('strip-conditions', isConditioned ? knows : '');
  const locked = isFixed(state);
  for (const id of ['files', 'folder', 'checkpoint-file']) byId(id, HTMLInputElement).disabled = locked;
  setHidden('use-digits', data.builtIn || locked);
  setHidden('digits-by', !data.builtIn);
  setText(
    'data-hint',
    locked
      ? 'To train on other images, or to open a checkpoint, first put the run aside or reset it'
      : 'or drop them anywhere on the page: pictures, best in folders named after their classes, or IDX (plain or .gz)',
  );
}

function renderBeginning(settings: Settings, data: DataDescription, isPlanned: boolean): void {
  const why = whyNew(settings, data);
  const options = byId('begin', HTMLSelectElement);
  options.querySelector<HTMLOptionElement>('[value=pretrained]')!.disabled = why !== undefined;
  const begin = chosenBeginning({ ...settings, begin: 'auto' }, data);
  setText(
    options.querySelector<HTMLOptionElement>('[value=auto]')!,
    `what suits the images: ${begin === 'new' ? 'new weights' : 'the pretrained network'}`,
  );
  const rate = smallerRate(settings, chosenBeginning(settings, data));
  // A plan chooses its rate by itself.
  const hint =
    rate === undefined || isPlanned ? '' : `A learning rate of ${rate} leaves it more of what it knows`;
  setText('begin-note', why ?? hint);
}
