/** The runs to compare: the page's own, those that the browser keeps, and those of this visit that were reset. Pure, but for the time zone. */
import type { StoredRun } from '../../../src/keeping/store';
import { duration, loss as lossText, percent, whole } from '../shell/format';
import { type LossSeries, smoothLoss } from '../shell/losses';
import { trainedSeconds } from '../shell/measurements';
import type { RunNotes } from '../shell/run_notes';
import { type Beginning, type PageRecipe, recipeOf, type Settings } from '../shell/settings';
import type { State } from '../shell/state';

export interface RunRow {
  /** Of a run that is or was in the browser's storage, its name there. */
  readonly key: string;
  readonly where: 'page' | 'kept' | 'past';
  readonly name: string;
  /** It is open in another tab. */
  readonly held: boolean;
  readonly recipe: PageRecipe;
  /** Unknown of a run that was begun elsewhere. */
  readonly begin: Beginning | undefined;
  readonly batch: number;
  readonly rate: number;
  readonly seed: number;
  readonly losses: LossSeries;
  readonly heldOut: number | undefined;
  readonly accepted: number | undefined;
  readonly seconds: number | undefined;
}

/** The page's own run, if it has made a step. */
export function ownRow(state: State, settings: Settings): RunRow | undefined {
  if (state.losses.length === 0) return undefined;
  const { recipe, batch, lr, seed } = settings;
  const { heldOut, quality } = state.measured;
  return {
    ...{ key: state.id ?? 'page', where: 'page', name: 'This run', held: false },
    ...{ recipe, begin: state.begin, batch, rate: lr, seed, losses: state.losses },
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
  name: `Reset ${timeOf(now, now)}`,
});

export function keptRow(run: StoredRun, notes: RunNotes | undefined, now: number): RunRow {
  const { id, held, settings, losses, savedAt } = run;
  const { batchSize: batch, learningRate: rate, seed } = settings;
  return {
    ...{ key: id, where: 'kept', name: `Kept ${timeOf(savedAt, now)}`, held },
    ...{ recipe: recipeOf(run), begin: notes?.begin, batch, rate, seed, losses },
    heldOut: notes?.heldOut.at(-1)?.loss,
    accepted: notes?.quality.at(-1)?.accepted,
    seconds: notes?.seconds || undefined,
  };
}

/** `17:31` of today, `21 Nov 17:31` of another day. */
function timeOf(time: number, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock}`;
}

export const columns = [
  'Recipe',
  'Begins with',
  'Batch',
  'Rate',
  'Seed',
  'Steps',
  'Loss',
  'Held out',
  'Accepted',
  'Trained',
] as const;

/** The cells of these columns. The loss is smoothed. */
export function cellsOf(row: RunRow): string[] {
  const loss = smoothLoss(row.losses, row.batch);
  const known = <T>(value: T | undefined, text: (value: T) => string) =>
    value === undefined ? '–' : text(value);
  return [
    row.recipe,
    known(row.begin, (begin) => (begin === 'new' ? 'new weights' : 'pretrained')),
    whole(row.batch),
    String(row.rate),
    String(row.seed),
    whole(row.losses.length),
    known(loss, lossText),
    known(row.heldOut, lossText),
    known(row.accepted, percent),
    known(row.seconds, duration),
  ];
}
