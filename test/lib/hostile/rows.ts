/** What becomes of training where the driver treats one shader badly: a row is a shader and a fault, and all are tried at a place. */

import { EngineError, type EngineOptions, type Progress, type TuningCache } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { check, type Network } from '../checked_networks';
import { gate } from '../gate';
import { doesNothing, type Hostility, makeHostile, REFUSAL, someGpu } from './hostile_device';

/** A network on a kind of adapter. */
export interface Place {
  readonly network: Network;
  readonly tune: boolean;
  readonly adapterInfo?: Hostility['adapterInfo'];
  /** A version of the driver, if it tells one. */
  readonly cacheKey?: string;
}

/** The forms for processors, in their fixed order. */
export const onSoftware = (network: Network): Place => ({ network, tune: false });
/** The forms for GPUs, and the tuner. */
export const onCard = (network: Network): Place => ({ network, tune: true, adapterInfo: someGpu });

/** Trains on a device that is hostile meanwhile. */
async function trainOn(
  device: GPUDevice,
  { network, tune, adapterInfo, cacheKey }: Place,
  tuningCache: TuningCache = memoryCache(),
  hostility: Hostility = {},
  options: EngineOptions = {},
) {
  using hostile = makeHostile(device, { adapterInfo, ...hostility });
  const all = { tune, tuningCache, cacheKey, ...options };
  return { ...(await check(device, network, all)), asked: [...hostile.asked] };
}

/** What is remembered, so that it can be copied. */
export type Entries = ReadonlyMap<string, string>;

const cacheIn = (entries: Map<string, string>): TuningCache => ({
  get: async (key) => entries.get(key),
  set: async (key, value) => void entries.set(key, value),
});
export const cacheOf = (entries: Entries) => cacheIn(new Map(entries));

/** The same entries, found some days ago. */
export const aged = (entries: Entries, days: number): Entries =>
  new Map(
    [...entries].map(([key, text]) => {
      const { date, ...all } = JSON.parse(text);
      return [key, JSON.stringify({ ...all, date: date - days * 24 * 3600 * 1000 })];
    }),
  );

/** A visit without faults: what it trains, what the next one remembers of it, and cannot add to, and the shaders that this one uses. */
export async function healthyVisit(device: GPUDevice, place: Place) {
  const entries = new Map<string, string>();
  const cache = cacheIn(entries);
  const outcome = await trainOn(device, place, cache);
  if (outcome.error) throw outcome.error;
  const remembered = { get: cache.get, set: async () => {} };
  const { asked: used } = await trainOn(device, place, remembered);
  return { ...outcome, used, remembered, entries };
}

export type Healthy = Awaited<ReturnType<typeof healthyVisit>>;

/** In place of 10 or 60 s. */
export const DEADLINE = 0.3;

const delaying = (comes: 'once told' | 'never') => ({
  does: (is: (shader: string) => boolean, told: Promise<void>): Hostility => {
    const coming = comes === 'never' ? new Promise<void>(() => {}) : told;
    return { delays: (name) => (is(name) ? coming : undefined) };
  },
  warning: 'slow-kernel',
  says: 'cannot be used',
  names: (shader: string) => [`its shader ${shader} has been compiling for `],
});
const computingNothing = {
  does: (is: (shader: string) => boolean): Hostility => ({
    rewrites: (name, text) => (is(name) ? doesNothing(text) : text),
  }),
  warning: 'wrong-kernel',
  says: 'computes wrongly',
  names: () => [],
};

/** What a driver does to a shader, and what of it stands in warnings and errors. */
const FAULTS = {
  refused: {
    does: (is: (shader: string) => boolean): Hostility => ({ refuses: is }),
    warning: 'refused-kernel',
    says: 'cannot be used',
    names: (shader: string) => [`The shader ${shader} was`, REFUSAL],
  },
  /** It comes when the engine has said that it is late. */
  late: delaying('once told'),
  never: delaying('never'),
  /** It computes nothing, after an update of the driver that its version tells of, */
  updated: computingNothing,
  /** or that nothing tells of: then the fault must be found 8 days later, before the first step, too. */
  changed: computingNothing,
};

export interface Row {
  readonly shader: string;
  readonly fault: keyof typeof FAULTS;
  /** Whether the visit is the one after the healthy one, as after each update. */
  readonly remembered?: boolean;
}

/** A row for each shader and fault. */
export const each = (
  shaders: readonly string[],
  faults: readonly Row['fault'][],
  remembered = false,
): readonly Row[] => shaders.flatMap((shader) => faults.map((fault) => ({ shader, fault, remembered })));

/**
 * Whether a visit may do without a shader that another one uses, so that nothing need be heard of it: the losses must be right all the same.
 * The tuner chooses anew what it had no time to measure whole: convolutions, and what it fuses with them.
 */
const mayLeaveOut = ({ tune }: Place, shader: string) =>
  tune && /^(conv2d|difference|sum_slices|swish_)/.test(shader);

/** Kernels that have one form. The plain form of a convolution is the only one that linear layers have. */
const isOnlyForm = (kernel: string, variant: string) =>
  variant === 'direct' || (variant === 'plain' && !kernel.startsWith('conv2d'));

/** What comes of a row. */
async function visit(device: GPUDevice, place: Place, healthy: Healthy, row: Row) {
  const { shader, fault, remembered } = row;
  const reports: Progress[] = [];
  const told = gate();
  const onProgress = (progress: Progress) => {
    if (progress.task !== 'compiling') return;
    reports.push(progress);
    if (progress.seconds !== undefined) told.open();
  };
  const cache = () => {
    if (fault === 'updated') return cacheOf(healthy.entries);
    if (fault === 'changed') return cacheOf(aged(healthy.entries, 8));
    return remembered ? healthy.remembered : memoryCache();
  };
  const where = fault === 'updated' ? { ...place, cacheKey: 'updated' } : place;
  const options = isLate(row) ? { deadlineSeconds: DEADLINE, onProgress } : {};
  const hostility = FAULTS[fault].does((name) => name === shader, told.opened);
  return { ...(await trainOn(device, where, cache(), hostility, options)), reports };
}

type Outcome = Awaited<ReturnType<typeof visit>>;

const isLate = ({ fault }: Row) => fault === 'late' || fault === 'never';

/** What is wrong with what came of a row, or nothing. */
function complaint(row: Row, place: Place, healthy: Healthy, outcome: Outcome): string | undefined {
  const { shader, fault } = row;
  const { losses, warnings, variants, error, reports } = outcome;
  const { warning, says, names } = FAULTS[fault];
  /** Forms never change by the clock on a processor. */
  const isPatient = isLate(row) && !place.adapterInfo;
  const odd = warnings.find(
    ({ code, message, kernel, variant }) =>
      isPatient ||
      code !== warning ||
      !message.includes(`${kernel}.${variant} ${says} on this adapter`) ||
      !names(shader).every((name) => message.includes(name)) ||
      Object.entries(variants).some(([at, v]) => at.startsWith(`${kernel}/`) && v === variant),
  );
  if (odd) return `it warns of ${JSON.stringify(odd)}`;
  const isUsed = healthy.used.includes(shader);
  const mustBeTold = isUsed && !mayLeaveOut(place, shader);
  const last = reports.at(-1);
  const told = reports.filter(({ seconds }) => seconds !== undefined);
  const inWords = told.every((t) => t.kernel?.includes('.') && t.seconds! >= 0.8 * DEADLINE);
  if (shader === 'difference' && told.length > 0) return 'the tuner waits for what it compares with';
  if (!inWords || (isLate(row) && mustBeTold && told.length === 0))
    return `its messages are ${JSON.stringify(told)}`;
  if (!error) {
    if (isUsed && last && last.done !== last.total) return `its progress ends at ${JSON.stringify(last)}`;
    if (fault === 'never' && isUsed && isPatient) return 'it trains without a shader';
    const isWrong = warning === 'wrong-kernel';
    if (isWrong && warnings.length === 0 && mustBeTold) return 'it is not noticed';
    const most = isPatient ? 0 : 1e-5;
    const isRight = losses.every((loss, i) => Math.abs(loss / healthy.losses[i] - 1) <= most);
    return isRight ? undefined : `the losses are ${losses}, not ${healthy.losses}`;
  }
  const { kernel = '', variant = '', message } = error;
  const code = warning === 'wrong-kernel' ? 'wrong-kernel' : 'shader';
  if (fault === 'late' || !(error instanceof EngineError) || error.code !== code)
    return `it ends in ${error}`;
  const parts = [`${kernel}.${variant} ${says}`, ...names(shader), 'Update the'];
  if (isLate(row)) parts.push('deadlineSeconds');
  if (!parts.every((part) => message.includes(part))) return `it ends in unclear words: ${message}`;
  if (isPatient || isOnlyForm(kernel, variant)) return undefined;
  return `${kernel} has other forms than ${variant}: ${message}`;
}

/** Tries rows one after the other: what is wrong with each, and how many trained, or ended in an error. */
export async function tryRows(device: GPUDevice, place: Place, healthy: Healthy, rows: readonly Row[]) {
  const complaints: string[] = [];
  let ended = 0;
  for (const row of rows) {
    const outcome = await visit(device, place, healthy, row);
    const found = complaint(row, place, healthy, outcome);
    if (found)
      complaints.push(`${row.shader}, ${row.fault}${row.remembered ? ', remembered' : ''}: ${found}`);
    if (outcome.error) ended++;
  }
  return { complaints, ended, trained: rows.length - ended };
}
