/** What becomes of training where the driver treats one shader badly: a row is a shader and a fault, and all are tried at a place. */

import { EngineError, type EngineOptions, type Progress, type TuningCache } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { check, type Network } from '../checked_networks';
import { gate } from '../gate';
import { type Hostility, makeHostile, REFUSAL, someGpu } from './hostile_device';

/** A network on a kind of adapter. */
export interface Place {
  readonly network: Network;
  readonly tune: boolean;
  readonly adapterInfo?: Hostility['adapterInfo'];
}

/** The forms for processors, in their fixed order. */
export const onSoftware = (network: Network): Place => ({ network, tune: false });
/** The forms for GPUs, and the tuner. */
export const onCard = (network: Network): Place => ({ network, tune: true, adapterInfo: someGpu });

/** Trains on a device that is hostile meanwhile. */
async function trainOn(
  device: GPUDevice,
  { network, tune, adapterInfo }: Place,
  tuningCache: TuningCache = memoryCache(),
  hostility: Hostility = {},
  options: EngineOptions = {},
) {
  using hostile = makeHostile(device, { adapterInfo, ...hostility });
  const all = { tune, tuningCache, ...options };
  return { ...(await check(device, network, all)), asked: [...hostile.asked] };
}

/** A visit without faults: what it trains, what the next one remembers of it, and cannot add to, and the shaders that this one uses. */
export async function healthyVisit(device: GPUDevice, place: Place) {
  const cache = memoryCache();
  const outcome = await trainOn(device, place, cache);
  if (outcome.error) throw outcome.error;
  const remembered = { get: cache.get, set: async () => {} };
  const { asked: used } = await trainOn(device, place, remembered);
  return { ...outcome, used, remembered };
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
  names: (shader: string) => [`its shader ${shader} has been compiling for `],
});

/** What a driver does to a shader, and what of it stands in warnings and errors. */
const FAULTS = {
  refused: {
    does: (is: (shader: string) => boolean): Hostility => ({ refuses: is }),
    warning: 'refused-kernel',
    names: (shader: string) => [`The shader ${shader} was`, REFUSAL],
  },
  /** It comes when the engine has said that it is late. */
  late: delaying('once told'),
  never: delaying('never'),
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
  const cache = remembered ? healthy.remembered : memoryCache();
  const options = isLate(row) ? { deadlineSeconds: DEADLINE, onProgress } : {};
  const hostility = FAULTS[fault].does((name) => name === shader, told.opened);
  return { ...(await trainOn(device, place, cache, hostility, options)), reports };
}

type Outcome = Awaited<ReturnType<typeof visit>>;

const isLate = ({ fault }: Row) => fault === 'late' || fault === 'never';

/** What is wrong with what came of a row, or nothing. */
function complaint(row: Row, place: Place, healthy: Healthy, outcome: Outcome): string | undefined {
  const { shader, fault } = row;
  const { losses, warnings, variants, error, reports } = outcome;
  const { warning, names } = FAULTS[fault];
  /** Forms never change by the clock on a processor. */
  const isPatient = isLate(row) && !place.adapterInfo;
  const odd = warnings.find(
    ({ code, message, kernel, variant }) =>
      isPatient ||
      code !== warning ||
      !message.includes(`${kernel}.${variant} cannot be used on this adapter`) ||
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
    const most = isPatient ? 0 : 1e-5;
    const isRight = losses.every((loss, i) => Math.abs(loss / healthy.losses[i] - 1) <= most);
    return isRight ? undefined : `the losses are ${losses}, not ${healthy.losses}`;
  }
  const { kernel = '', variant = '', message } = error;
  if (fault === 'late' || !(error instanceof EngineError) || error.code !== 'shader')
    return `it ends in ${error}`;
  const parts = [`${kernel}.${variant} cannot be used`, ...names(shader), 'Update the'];
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
