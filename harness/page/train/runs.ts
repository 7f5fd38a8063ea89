/** The runs of the table: the page's own, the kept ones, and the ones reset during this visit. Pure, but for the time zone. */
import type { StoredRun } from '../../../src/keeping/store';
import { listClasses, shownName } from '../../pictures/class_names';
import { duration, whole } from '../../text/units';
import { trainedSeconds } from '../messages/measurements';
import { type Beginning, nearestRecipe, type PageRecipe, type Settings } from '../messages/settings';
import { bytesOfText } from '../runs/kept_drawings';
import { type LossSeries, smoothLoss } from '../runs/losses';
import type { RunNotes } from '../runs/run_notes';
import { loss as lossText, percentText } from '../shell/format';
import type { Tiles } from '../shell/images';
import type { State } from '../shell/state';

export interface RunRow {
  /** The run's name in the browser's storage, if it is or was there; else a key of its own. */
  readonly key: string;
  readonly where: 'page' | 'kept' | 'past';
  /** What it trains on; for the page's own run, that it is this one. */
  readonly name: string;
  /** What tells it from other runs of that name, beside its step. */
  readonly about: string;
  readonly sample?: Tiles | undefined;
  /** The run is open in another tab. */
  readonly held: boolean;
  readonly recipe: PageRecipe;
  /** Initial weights; undefined if the run was started elsewhere. */
  readonly begin: Beginning | undefined;
  readonly batch: number;
  readonly losses: LossSeries;
  readonly heldOut: number | undefined;
  readonly accepted: number | undefined;
  readonly seconds: number | undefined;
}

/** The page's own run, if it has made a step. */
export function ownRow(state: State, settings: Settings): RunRow | undefined {
  if (state.losses.length === 0) return undefined;
  const { recipe, batch } = settings;
  const { heldOut, quality } = state.measured;
  const { builtIn, name } = state.data ?? {};
  return {
    key: state.id ?? 'page',
    where: 'page',
    name: 'This run',
    held: false,
    about: dataName(builtIn ? 'mnist' : undefined, name),
    recipe,
    begin: state.begin,
    batch,
    losses: state.losses,
    heldOut: heldOut.at(-1)?.loss,
    accepted: quality.at(-1)?.accepted,
    seconds: trainedSeconds(state.measured),
  };
}

/** A run of this visit that is no more. */
export const pastRow = (row: RunRow, key: string, now: number): RunRow => ({
  ...row,
  key,
  where: 'past',
  name: row.about,
  about: `reset ${timeOf(now, now)}`,
});

export function keptRow(run: StoredRun, notes: RunNotes | undefined, now: number): RunRow {
  const { id, held, settings, losses, savedAt, data } = run;
  const { batchSize: batch, source } = settings;
  const elsewhere = held ? ', open in another tab' : '';
  return {
    key: id,
    where: 'kept',
    name: dataName(source, data.name),
    held,
    about: `${timeOf(savedAt, now)}${elsewhere}`,
    sample: notes?.sample === undefined ? undefined : tileOf(notes.sample, data),
    recipe: nearestRecipe(run),
    begin: notes?.begin,
    batch,
    losses,
    heldOut: notes?.heldOut.at(-1)?.loss,
    accepted: notes?.quality.at(-1)?.accepted,
    seconds: notes?.seconds || undefined,
  };
}

/** What a run trains on. `source`: as a run notes it, a path for images of the command line. */
const dataName = (source: string | undefined, name: string | undefined): string =>
  source === 'mnist' ? 'the digits' : shownName(name ?? source ?? 'your own images');

/** A noted sample; undefined if the text is none of this size: another version of the page, or its user, may have written it. */
function tileOf(text: string, { height, width, channels }: StoredRun['data']): Tiles | undefined {
  const bytes = bytesOfText(text);
  return bytes?.length === height * width * channels
    ? { bytes, height, width, channels, columns: 1 }
    : undefined;
}

/** The images that a run needs before it can go on. */
export function neededData({ settings, data, config }: StoredRun): string {
  const { count, height, width } = data;
  if (settings.source === 'letters' && data.name === 'Letters A to Z')
    return 'The run trains on the letters A to Z, which came with the page once. They are gone, so it cannot go on. Remove it, and train on pictures of letters of your own, in folders named after their classes.';
  const limit = settings.limit === undefined ? '' : 'the first ';
  const { classes = 0 } = config.conditioning ?? {};
  const named = data.classNames && classes > 0 ? ` (${listClasses({ classes, ...data })})` : '';
  return `The run trains on ${limit}${whole(count)} images of ${height} × ${width} from ${dataName(settings.source, data.name)}${named}, which the browser does not keep. Choose the folder or files again${data.labels ? ', with their labels' : ''}, and it goes on.`;
}

/** `17:31` of today, `21 Nov 17:31` of another day. */
function timeOf(time: number, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock}`;
}

/** The cells behind a run's name. The loss is smoothed. */
export function runCells(row: RunRow): string[] {
  const loss = smoothLoss(row.losses, row.batch);
  const known = <T>(value: T | undefined, text: (value: T) => string) =>
    value === undefined ? '–' : text(value);
  return [
    row.recipe,
    known(row.begin, (begin) => (begin === 'new' ? 'new weights' : 'pretrained')),
    whole(row.losses.length),
    known(loss, lossText),
    known(row.heldOut, lossText),
    known(row.accepted, percentText),
    known(row.seconds, duration),
  ];
}
