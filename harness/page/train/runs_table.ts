/** The table of runs on the Train view, with settings and results. A run can be drawn beside the page's own, removed, or continued. */
import { LEAST_STEPS, type StoredRun } from '../../../src/keeping/store';
import { textOfPictures } from '../messages/settings';
import { nameOfDrawings, textOfDrawings } from '../runs/kept_drawings';
import { readNotes, writeNotes } from '../runs/run_notes';
import type { App, Panel } from '../shell/app';
import { button, byId, make, makeButton, setDisabled, setHidden, setMessage, setText } from '../shell/dom';
import type { State } from '../shell/state';
import { HUES } from './curve';
import type { Overlay } from './curve_data';
import { cellsOf, columns, keptRow, ownRow, pastRow, type RunRow, unlike } from './runs';

interface RunsTable extends Panel {
  /** The other runs to draw: the same array until another is chosen. */
  readonly overlays: readonly Overlay[];
}

export function createRunsTable(app: App): RunsTable {
  const runs = new Runs(app);
  const view = createView(app, runs);
  /** The state before an event. */
  let before = app.state;
  return {
    get overlays() {
      return runs.overlays;
    },
    receive(event) {
      const { id, measured, begin } = app.state;
      if (event.type === 'freed') runs.remember(before);
      before = app.state;
      if (id && ['stored', 'heldOut', 'quality', 'rate'].includes(event.type))
        writeNotes(id, measured, {
          begin,
          drawings: drawingsIn(app),
          pictures: textOfPictures(app.settings),
        });
    },
    render() {
      runs.look();
      view(runs.rows);
    },
  };
}

/** The drawings that the page's run trains on, as text; undefined if it trains on other images. */
const drawingsIn = ({ state, drawings }: App) =>
  drawings.length > 0 && state.data?.name === nameOfDrawings(drawings) ? textOfDrawings(drawings) : undefined;

/** The existing runs, and the ones that are drawn. */
class Runs {
  rows: readonly RunRow[] = [];
  overlays: readonly Overlay[] = [];
  /** The colours of the drawn runs, by key. */
  readonly hues = new Map<string, number>();
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
      const [now, notes] = [Date.now(), readNotes()];
      this.keptRuns = state.kept;
      this.kept = state.kept.map((run) => keptRow(run, notes[run.id], now));
    }
    const { kept } = this;
    const own = ownRow(state, settings);
    // One that was put aside is kept.
    this.past = this.past.filter(({ key }) => !kept.some((run) => run.key === key));
    this.rows = [...(own ? [own] : []), ...this.past, ...kept];
    const others = this.rows.filter(({ where }) => where !== 'page');
    for (const key of this.hues.keys()) if (!others.some((row) => row.key === key)) this.hues.delete(key);
    const drawn = others.filter(({ key }) => this.hues.has(key));
    const before = this.overlays;
    setMessage('runs-unlike', drawn.length > 0 ? unlike([...(own ? [own] : []), ...drawn]) : undefined);
    const same = drawn.length === before.length && drawn.every((row, i) => row.losses === before[i].losses);
    if (!same)
      this.overlays = drawn.map(({ key, name, losses, batch }) => ({
        ...{ name, losses, batch },
        hue: this.hues.get(key)!,
      }));
  }

  draw(key: string, on: boolean): void {
    if (!on) this.hues.delete(key);
    else {
      const taken = [...this.hues.values()];
      const free = Array.from({ length: HUES }, (_, hue) => hue).find((hue) => !taken.includes(hue));
      this.hues.set(key, free ?? taken.length % HUES);
    }
    this.app.changed();
  }

  forget(key: string): void {
    this.past = this.past.filter((row) => row.key !== key);
    this.app.changed();
  }
}

/** Returns what brings the table in line with its rows. */
function createView(app: App, runs: Runs): (rows: readonly RunRow[]) => void {
  const body = byId('runs-body', HTMLTableSectionElement);
  const shown = new Map<string, RowView>();

  const actionsOf = ({ key, where, name, losses }: RunRow) => ({
    draw: (on: boolean) => runs.draw(key, on),
    goOn: () => app.goOn(key),
    remove() {
      if (where === 'past') runs.forget(key);
      else if (confirm(`Delete the run for good (${name}), all ${losses.length} steps?`)) app.discard(key);
    },
  });
  // The page's run gets another name as soon as it is stored.
  const nameOf = ({ where, key }: RunRow) => (where === 'page' ? where : `${where} ${key}`);

  const aside = button('put-aside');
  aside.addEventListener('click', () => app.putAside());

  return (rows) => {
    const own = rows.find(({ where }) => where === 'page');
    setHidden('runs-table', rows.length < 2);
    setHidden('runs', rows.length < 2 && !own);
    aside.hidden = !own;
    const isShort = own !== undefined && own.losses.length < LEAST_STEPS;
    setDisabled(aside, isShort);
    aside.title = isShort ? `From step ${LEAST_STEPS} on` : '';
    const names = rows.map(nameOf);
    for (const [name, { element }] of shown) {
      if (names.includes(name)) continue;
      element.remove();
      shown.delete(name);
    }
    for (const [i, row] of rows.entries()) {
      const view = shown.get(names[i]) ?? createRow(row, actionsOf(row));
      shown.set(names[i], view);
      view.update(row, runs.hues.get(row.key));
      const place = body.rows[i] ?? null;
      if (place !== view.element) body.insertBefore(view.element, place);
    }
  };
}

// ---------------------------------------------------------------- a row

interface RowActions {
  /** Draws the run beside the page's own, or no more. */
  draw(on: boolean): void;
  goOn(): void;
  remove(): void;
}

interface RowView {
  readonly element: HTMLTableRowElement;
  /** `hue`: its colour, if it is drawn. */
  update(row: RunRow, hue: number | undefined): void;
}

/** A row's elements stay while its numbers change, so that a pressed or focused button stays, too. */
function createRow({ where }: Pick<RunRow, 'where'>, actions: RowActions): RowView {
  const swatch = make('span', { className: 'swatch', ariaHidden: 'true' });
  const name = make('span');
  const box = make('input', { type: 'checkbox' });
  box.addEventListener('change', () => actions.draw(box.checked));
  const label = make('label', {}, ...(where === 'page' ? [] : [box]), swatch, name);
  const cells = columns.map((_, i) => make('td', { className: i < 2 ? '' : 'number' }));
  const small = { className: 'small' };
  const buttons = [
    ...(where === 'kept' ? [makeButton('Go on', actions.goOn, small)] : []),
    ...(where !== 'page' ? [makeButton('Remove', actions.remove, small)] : []),
  ];
  const head = make('th', { scope: 'row' }, label);
  const element = make('tr', {}, head, ...cells, make('td', { className: 'buttons' }, ...buttons));
  return {
    element,
    update(row, hue) {
      setText(name, row.name);
      box.checked = hue !== undefined;
      box.ariaLabel = `Draw the loss of ${row.name}`;
      swatch.className = `swatch ${where === 'page' ? 'own' : hue === undefined ? 'none' : `run-${hue}`}`;
      swatch.style.background = hue === undefined ? '' : `var(--run-${hue})`;
      for (const [i, text] of cellsOf(row).entries()) setText(cells[i], text);
      for (const one of buttons) {
        one.disabled = row.held;
        one.ariaLabel = `${one.textContent}: ${row.name}`;
        one.title = row.held ? 'It is open in another tab' : '';
      }
    },
  };
}
