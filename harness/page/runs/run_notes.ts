/** The page's notes on the runs that the browser keeps, in localStorage. There are none if the page cannot use the storage. */
import { type Measurements, nothingMeasured, thinned, trainedSeconds } from '../messages/measurements';
import { type Beginning, beginnings } from '../messages/settings';

/** Notes on one run. */
export interface RunNotes extends Pick<Measurements, 'heldOut' | 'quality' | 'rates'> {
  readonly seconds: number;
  /** Initial weights; undefined if the run was started elsewhere. */
  readonly begin?: Beginning | undefined;
  /** The drawings that it trains on, as text; none if it trains on other images. */
  readonly drawings?: string | undefined;
  /** What becomes of pictures, as in the page's address. */
  readonly pictures?: string | undefined;
  /** The first of its newest samples, as text. */
  readonly sample?: string | undefined;
}

const KEY = 'webgpu-diffusion-run-notes';

export function readNotes(): Readonly<Record<string, RunNotes>> {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const entries = Object.entries(typeof read === 'object' && read !== null ? read : {});
    return Object.fromEntries(entries.filter(([_, notes]) => isNotes(notes)));
  } catch {
    return {};
  }
}

/** Another version of the page, or its user, may have written something else. */
function isNotes(value: unknown): value is RunNotes {
  if (typeof value !== 'object' || value === null) return false;
  const { heldOut, quality, rates, seconds, begin, ...texts } = value as Record<string, unknown>;
  const hasNumbers = (points: unknown, ...names: readonly string[]) =>
    Array.isArray(points) &&
    points.every((point) => names.every((name) => typeof Object(point)[name] === 'number'));
  return (
    hasNumbers(heldOut, 'step', 'loss', 'images') &&
    (heldOut as { bins?: unknown }[]).every(({ bins }) => Array.isArray(bins)) &&
    hasNumbers(quality, 'step', 'accepted', 'samples', 'real') &&
    hasNumbers(rates, 'step', 'lr') &&
    typeof seconds === 'number' &&
    (begin === undefined || beginnings.some((one) => one === begin)) &&
    [texts.drawings, texts.pictures, texts.sample].every(
      (text) => text === undefined || typeof text === 'string',
    )
  );
}

/** Writes the measurements and the given notes of a run; an undefined note keeps its stored value. */
export function writeNotes(
  id: string,
  measured: Measurements,
  { begin, drawings, pictures, sample }: Pick<RunNotes, 'begin' | 'drawings' | 'pictures' | 'sample'> = {},
): void {
  const { quality, rates } = measured;
  const heldOut = thinned(measured.heldOut);
  const notes = { heldOut, quality: thinned(quality), rates, seconds: trainedSeconds(measured) ?? 0 };
  const all = readNotes();
  const before = all[id];
  const own = {
    begin: begin ?? before?.begin,
    drawings: drawings ?? before?.drawings,
    pictures: pictures ?? before?.pictures,
    sample: sample ?? before?.sample,
  };
  store({ ...all, [id]: { ...notes, ...own } });
}

/** Forgets the runs that are not kept any more. */
export function keepNotes(ids: readonly (string | undefined)[]): void {
  const all = Object.entries(readNotes());
  const left = all.filter(([id]) => ids.includes(id));
  if (left.length < all.length) store(Object.fromEntries(left));
}

/** The stored measurements of a run that continues. */
export function readMeasurements(id: string): Measurements {
  const notes = readNotes()[id];
  if (!notes) return nothingMeasured;
  const { heldOut, quality, rates, seconds } = notes;
  return { ...nothingMeasured, heldOut, quality, rates, secondsBefore: seconds };
}

function store(notes: Readonly<Record<string, RunNotes>>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(notes));
  } catch {
    // Private windows of some browsers.
  }
}
