/**
 * The list of runs: above the recordings of the welcome and above a Train view without a run, the kept ones to go on with; later a table with
 * settings and results.
 */

import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { whole } from '../../text/units';
import { eventPatch, isFreed } from '../messages/messages';
import { textOfPictures } from '../messages/settings';
import { nameOfDrawings, textOfBytes, textOfDrawings } from '../runs/kept_drawings';
import { readNotes, writeNotes } from '../runs/run_notes';
import type { App, Panel } from '../shell/app';
import {
  anyElement,
  button,
  byId,
  make,
  makeButton,
  onClick,
  setDisabled,
  setHidden,
  setMessage,
  setText,
} from '../shell/dom';
import { ImageView } from '../shell/images';
import { isFixed, type State } from '../shell/state';
import { keptRow, neededData, ownRow, pastRow, type RunRow, runCells } from './runs';

export function createRunsTable(app: App): Panel {
  const runs = new Runs(app);
  const view = createView(app, runs);
  /** The state before an event. */
  let before = app.state;
  return {
    receive(event) {
      const { id, measured, begin } = app.state;
      if (isFreed(event)) runs.remember(before);
      before = app.state;
      const { heldOut, quality, rate } = eventPatch(event).measured ?? {};
      if (id && (event.type === 'stored' || heldOut || quality || rate))
        writeNotes(id, measured, {
          begin,
          drawings: drawingsIn(app),
          pictures: textOfPictures(app.settings),
          sample: sampleIn(app),
        });
    },
    render() {
      runs.look();
      view(runs.rows);
    },
  };
}

/** The drawings that the page's run trains on, as text; undefined if it trains on other images. */
const drawingsIn = ({ state, kept: { drawings } }: App) =>
  drawings.length > 0 && state.data?.name === nameOfDrawings(drawings) ? textOfDrawings(drawings) : undefined;

/** The first of the run's newest samples, as text. */
function sampleIn({ grids, state: { data } }: App): string | undefined {
  const { images } = grids.last ?? {};
  return images && data && textOfBytes(images.subarray(0, data.height * data.width * data.channels));
}

/** The existing runs. */
class Runs {
  rows: readonly RunRow[] = [];
  private readonly app: App;
  /** The runs reset during this visit, the newest first. */
  private past: readonly RunRow[] = [];
  private kept: readonly RunRow[] = [];
  /** The stored runs from which `kept` was made. */
  private keptRuns: readonly StoredRun[] | undefined;

  constructor(app: App) {
    this.app = app;
  }

  /** Keeps a row of the page's run, which is gone. `state`: its last state. */
  remember(state: State): void {
    const own = ownRow(state, this.app.settings);
    if (!own) return;
    const key = own.key === 'page' ? crypto.randomUUID() : own.key;
    this.past = [pastRow(own, key, Date.now()), ...this.past];
  }

  look(): void {
    const { state, settings } = this.app;
    if (state.kept !== this.keptRuns) {
      const now = Date.now();
      const notes = readNotes();
      this.keptRuns = state.kept;
      this.kept = state.kept.map((run) => keptRow(run, notes[run.id], now));
    }
    const { kept } = this;
    const own = ownRow(state, settings);
    // One that was put aside is kept.
    this.past = this.past.filter(({ key }) => !kept.some((run) => run.key === key));
    this.rows = [...(own ? [own] : []), ...this.past, ...kept];
  }

  forget(key: string): void {
    this.past = this.past.filter((row) => row.key !== key);
    this.app.changed();
  }
}

/** Returns what brings the table in line with its rows. */
function createView(app: App, runs: Runs): (rows: readonly RunRow[]) => void {
  const body = byId('runs-body', HTMLTableSectionElement);
  const views = new Map<string, RowView>();

  const actionsOf = ({ key, where, name, losses }: RunRow) => ({
    goOn() {
      app.set('task', 'train');
      app.kept.goOn(key);
    },
    remove() {
      if (where === 'past') runs.forget(key);
      else if (confirm(`Delete the run for good (${name}), all ${losses.length} steps?`))
        app.kept.discard(key);
    },
  });
  // The page's run gets another name as soon as it is stored.
  const nameOf = ({ where, key }: RunRow) => (where === 'page' ? where : `${where} ${key}`);

  const aside = button('put-aside');
  aside.addEventListener('click', () => app.send('leave', true));
  onClick('not-stored-save', () => app.save('checkpoint'));
  const list = anyElement('kept');
  const above = list.parentElement!;
  const below = anyElement('runs');
  /** From then on there is something to compare. */
  let begun = false;

  return (rows) => {
    const { state, settings, home } = app;
    const own = rows.find(({ where }) => where === 'page');
    begun ||= isFixed(state);
    const shown = home || settings.task === 'train';
    const asTable = begun && !home && state.needsData === undefined;
    const offered = state.kept.length > 0 && !isFixed(state) && shown;
    list.hidden = asTable ? rows.length < (own ? 2 : 1) : !offered;
    const place = asTable ? below : above;
    if (list.parentElement !== place) place.append(list);
    byId('runs-table', HTMLElement).tabIndex = asTable ? 0 : -1;
    const needs = state.kept.find(({ id }) => id === state.needsData);
    setMessage('runs-needed', needs && neededData(needs));
    setHidden('not-stored', !state.notStored);
    setText('not-stored-text', state.notStored ?? '');
    setDisabled('not-stored-save', state.losses.length === 0);
    if (!shown) return;
    below.hidden = !own && !(asTable && rows.length > 0);
    aside.hidden = !own;
    const isShort = own !== undefined && own.losses.length < LEAST_STEPS;
    setDisabled(aside, isShort);
    aside.title = isShort ? `From step ${LEAST_STEPS} on` : '';
    const names = rows.map(nameOf);
    for (const [name, { element }] of views) {
      if (names.includes(name)) continue;
      element.remove();
      views.delete(name);
    }
    for (const [i, row] of rows.entries()) {
      const view = views.get(names[i]) ?? createRow(row, actionsOf(row));
      views.set(names[i], view);
      view.update(row);
      const before = body.rows[i] ?? null;
      if (before !== view.element) body.insertBefore(view.element, before);
    }
  };
}

// ---------------------------------------------------------------- a row

interface RowActions {
  goOn(): void;
  remove(): void;
}

interface RowView {
  readonly element: HTMLTableRowElement;
  update(row: RunRow): void;
}

/** A row's elements stay while its numbers change, so that a pressed or focused button stays, too. */
function createRow({ where }: Pick<RunRow, 'where'>, actions: RowActions): RowView {
  const canvas = make('canvas', { ariaHidden: 'true' });
  const picture = make('span', { className: 'images', hidden: where !== 'kept' }, canvas);
  const view = new ImageView(canvas);
  const name = make('span', { className: 'run-name' });
  const step = make('span');
  const about = make('span');
  const cells = Array.from({ length: 7 }, (_, i) =>
    make('td', { className: i < 2 ? 'fact' : 'fact number' }),
  );
  const goOn = makeButton('Go on', actions.goOn, { className: 'small' });
  const withName = make('span');
  goOn.append(withName);
  const buttons = [
    ...(where === 'kept' ? [goOn] : []),
    ...(where !== 'page' ? [makeButton('Remove', actions.remove, { className: 'small' })] : []),
  ];
  const head = make('th', { scope: 'row' }, picture, name, make('small', {}, step, about));
  const last = make('td', { className: 'buttons' }, ...buttons);
  const element = make('tr', { className: where }, head, ...cells, last);
  return {
    element,
    update(row) {
      setText(name, row.name);
      setText(withName, ` with ${row.name}`);
      setText(step, `step ${whole(row.losses.length)}, `);
      setText(about, row.about);
      view.show(row.sample);
      for (const [i, text] of runCells(row).entries()) setText(cells[i], text);
      for (const one of buttons) {
        one.disabled = row.held;
        const what = one === goOn ? one.textContent : `Remove ${row.name}`;
        one.ariaLabel = `${what}, step ${whole(row.losses.length)}, ${row.about}`;
        one.title = row.held ? 'It is open in another tab' : '';
      }
    },
  };
}
