/** The runs that the browser keeps, each with buttons to continue or discard it, and a warning if the page's own run is not kept. */
import { MOST_RUNS, type StoredRun } from '../../../src/keeping/store';
import { listOf, shownName } from '../../pictures/class_names';
import { plural, whole } from '../../text/units';
import { recipeOf } from '../messages/settings';
import { COMES_ALONG, comesAlong } from '../runs/run_notes';
import type { App, Panel } from '../shell/app';
import { anyElement, button, make, makeButton, onClick, setHidden, setMessage, setText } from '../shell/dom';
import { loss as lossText } from '../shell/format';
import { isFixed } from '../shell/state';

export function createKeptPanel(app: App): Panel {
  const list = anyElement('kept-runs');
  let shown: readonly StoredRun[] | undefined;
  let shownNeed: string | undefined;
  /** From then on the table of runs on the Train view has them. */
  let begun = false;

  const row = (run: StoredRun) => {
    const now = Date.now();
    const name = runOf(run.savedAt, now);
    const looks = { className: 'small', disabled: run.held };
    const goOn = () => {
      app.set('task', 'train');
      app.goOn(run.id);
    };
    const discard = () => {
      if (confirm(`Delete ${name} for good, all ${plural(run.step, 'step')}?`)) app.discard(run.id);
    };
    const buttons = make(
      'p',
      { className: 'buttons' },
      makeButton(goOnText(run, now), goOn, looks),
      makeButton('Discard', discard, { ...looks, ariaLabel: `Discard ${name}, step ${run.step}` }),
    );
    const about = make('p', { className: 'muted kept-facts' }, facts(run));
    const needed = run.id === app.state.needsData ? [make('p', {}, neededData(run))] : [];
    return make('li', {}, buttons, about, ...needed);
  };

  const more = button('kept-more');
  more.addEventListener('click', () => {
    more.ariaExpanded = String(more.ariaExpanded !== 'true');
    app.changed();
  });
  onClick('not-stored-save', () => app.save('checkpoint'));

  return {
    render() {
      const { kept, needsData, notStored, losses } = app.state;
      const offered = kept.length > 0 && !isFixed(app.state);
      begun ||= isFixed(app.state);
      const onTrain = app.settings.task === 'train' && (!begun || needsData !== undefined);
      setHidden('kept', !offered || !(app.home || onTrain));
      if (kept !== shown || needsData !== shownNeed) {
        // The run that waits for its images, else the newest one, has a line; the others unfold.
        const sorted = [...kept].sort((a, b) => Number(b.id === needsData) - Number(a.id === needsData));
        list.replaceChildren(...sorted.map(row));
        shown = kept;
        shownNeed = needsData;
      }
      more.hidden = kept.length < 2;
      const open = more.ariaExpanded === 'true';
      list.classList.toggle('all', open);
      setText(more, open ? 'Fewer' : `${kept.length - 1} more`);
      setMessage(
        'kept-note',
        open && kept.length > 1 ? `This browser keeps the ${MOST_RUNS} newest runs.` : undefined,
      );
      setHidden('not-stored', !notStored);
      setText('not-stored-text', notStored ?? '');
      button('not-stored-save').disabled = losses.length === 0;
    },
  };
}

// ---------------------------------------------------------------- the texts about a run

/** `today’s run`, `yesterday’s run`, `the run of 21 November`. */
export function runOf(savedAt: number, now: number): string {
  const [saved, today] = [new Date(savedAt), new Date(now)];
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (saved.toDateString() === today.toDateString()) return 'today’s run';
  if (saved.toDateString() === yesterday.toDateString()) return 'yesterday’s run';
  const year = saved.getFullYear() === today.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return `the run of ${saved.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', ...year })}`;
}

export const goOnText = ({ savedAt, step }: StoredRun, now: number): string =>
  `Go on with ${runOf(savedAt, now)} (step ${whole(step)})`;

/** The facts that identify a run among several. */
export function facts(run: StoredRun): string {
  const { settings, data, savedAt, loss, held } = run;
  const { batchSize, learningRate, seed, source } = settings;
  const time = new Date(savedAt).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const images = comesAlong(run) ? `${whole(data.count)} ${COMES_ALONG[source!]}` : ownImages(run);
  const parts = [
    `Kept at ${time}`,
    ...(loss === undefined || Number.isNaN(loss) ? [] : [`loss ${lossText(loss)}`]),
    `recipe ${recipeOf(run)}`,
    `batch ${whole(batchSize)}`,
    `learning rate ${learningRate}`,
    `seed ${seed}`,
    images,
  ];
  return `${parts.join(', ')}.${held ? ' It is open in another tab.' : ''}`;
}

/** The user's images, by name and with the names of their classes. */
function ownImages({ settings, data, config }: Pick<StoredRun, 'settings' | 'data' | 'config'>): string {
  const name = shownName(data.name ?? settings.source ?? 'your own images');
  const { classes = 0 } = config.conditioning ?? {};
  return data.classNames && classes > 0 ? `${name} (${listOf({ classes, ...data })})` : name;
}

/** The data that a run needs before it can continue. */
export function neededData(run: StoredRun): string {
  const { settings, data } = run;
  const { count, height, width } = data;
  const limit = settings.limit === undefined ? '' : 'the first ';
  return `It trains on ${limit}${whole(count)} images of ${height} × ${width} from ${ownImages(run)}, which the browser does not keep. Choose the folder or files again${data.labels ? ', with their labels' : ''}, and the run goes on.`;
}
