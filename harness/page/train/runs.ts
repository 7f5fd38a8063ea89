/** The runs to compare: the page's own, the kept ones, and the ones reset during this visit. Pure, but for the time zone. */
import type { StoredRun } from '../../../src/keeping/store';
import { recipes } from '../../../src/recipes';
import { shownName } from '../../pictures/class_names';
import { duration, whole } from '../../text/units';
import { trainedSeconds } from '../messages/measurements';
import { type Beginning, type PageRecipe, recipeOf, type Settings } from '../messages/settings';
import { type LossSeries, smoothLoss } from '../runs/losses';
import type { RunNotes } from '../runs/run_notes';
import { loss as lossText, percent } from '../shell/format';
import type { State } from '../shell/state';

export interface RunRow {
  /** The run's name in the browser's storage, if it is or was there; else a key of its own. */
  readonly key: string;
  readonly where: 'page' | 'kept' | 'past';
  readonly name: string;
  /** The run is open in another tab. */
  readonly held: boolean;
  readonly recipe: PageRecipe;
  /** The name of the images that it trains on; undefined for the digits that come with the page, and without a name. */
  readonly images: string | undefined;
  /** Initial weights; undefined if the run was started elsewhere. */
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
    images: state.data?.builtIn ? undefined : state.run?.data.name,
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
    images: settings.source === 'mnist' ? undefined : run.data.name,
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
    row.images === undefined ? row.recipe : `${row.recipe}, ${shownName(row.images)}`,
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

/** Why lines on one axis cannot be compared, as a sentence; undefined if they can. */
export function unlike(drawn: readonly Pick<RunRow, 'recipe' | 'images'>[]): string | undefined {
  const objectives = new Set(drawn.map(({ recipe }) => recipes[recipe].trainer.objective));
  if (objectives.size > 1)
    return 'These losses are not alike: the recipe tutorial has the error of the image, the others have the error of the velocity. Which line is lower says nothing; compare the samples.';
  if (new Set(drawn.map(({ images }) => images)).size > 1)
    return 'These runs train on different images, of which some are harder to learn: compare how each line falls, not which is lower.';
  return undefined;
}
