/** What the page knows of the runs that the browser keeps, beside them in its storage. Where nothing can be stored, nothing is known. */
import { type Measurements, nothingMeasured, trainedSeconds } from './measurements';
import { type Beginning, beginnings } from './settings';

/** Of one run. */
export interface RunNotes extends Pick<Measurements, 'heldOut' | 'quality' | 'rates'> {
  readonly seconds: number;
  /** What it began with; unknown of a run that was begun elsewhere. */
  readonly begin?: Beginning | undefined;
  /** The drawings that it trains on, as text; none if it trains on other images. */
  readonly drawings?: string | undefined;
}

const KEY = 'webgpu-diffusion-run-notes';
/** So many points of a curve say enough. */
const MOST = 200;

export function readNotes(): Readonly<Record<string, RunNotes>> {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const entries = Object.entries(typeof read === 'object' && read !== null ? read : {});
    return Object.fromEntries(entries.filter(([, notes]) => isNotes(notes)));
  } catch {
    return {};
  }
}

/** Another version of the page, or its user, may have written something else. */
function isNotes(value: unknown): value is RunNotes {
  if (typeof value !== 'object' || value === null) return false;
  const { heldOut, quality, rates, seconds, begin, drawings } = value as Record<string, unknown>;
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
    ['undefined', 'string'].includes(typeof drawings)
  );
}

/** Beside what was measured; what is undefined stays as it was noted. */
export function writeNotes(
  id: string,
  measured: Measurements,
  { begin, drawings }: Pick<RunNotes, 'begin' | 'drawings'> = {},
): void {
  const { quality, rates } = measured;
  const heldOut = thinned(measured.heldOut);
  const notes = { heldOut, quality: thinned(quality), rates, seconds: trainedSeconds(measured) ?? 0 };
  const all = readNotes();
  const before = all[id];
  const own = { begin: begin ?? before?.begin, drawings: drawings ?? before?.drawings };
  store({ ...all, [id]: { ...notes, ...own } });
}

/** Forgets the runs that are not kept any more. */
export function keepNotes(ids: readonly string[]): void {
  const all = Object.entries(readNotes());
  const left = all.filter(([id]) => ids.includes(id));
  if (left.length < all.length) store(Object.fromEntries(left));
}

/** What a run has behind it that is gone on with. */
export function measurementsOf(id: string): Measurements {
  const { seconds = 0, begin: _, drawings: __, ...known } = readNotes()[id] ?? {};
  return { ...nothingMeasured, ...known, secondsBefore: seconds };
}

/** At most `most` of these points, evenly spread, with the first and the last. */
export function thinned<T>(points: readonly T[], most = MOST): readonly T[] {
  if (points.length <= most) return points;
  const every = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * every)]);
}

function store(notes: Readonly<Record<string, RunNotes>>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(notes));
  } catch {
    // Private windows of some browsers.
  }
}
