/** What becomes of training where the driver treats one shader or another badly. */

import { EngineError, type EngineOptions, type TuningCache } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { check, type Network } from '../checked_networks';
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
export async function trainOn(
  device: GPUDevice,
  { network, tune, adapterInfo, cacheKey }: Place,
  tuningCache: TuningCache,
  hostility: Hostility = {},
  options: EngineOptions = {},
) {
  using hostile = makeHostile(device, { adapterInfo, ...hostility });
  const all = { tune, tuningCache, cacheKey, ...options };
  return { ...(await check(device, network, all)), asked: [...hostile.asked] };
}

export type Outcome = Awaited<ReturnType<typeof trainOn>>;

/** What is remembered, so that it can be copied. */
export type Entries = ReadonlyMap<string, string>;

const cacheIn = (entries: Map<string, string>): TuningCache => ({
  get: async (key) => entries.get(key),
  set: async (key, value) => void entries.set(key, value),
});
export const cacheOf = (entries: Entries) => cacheIn(new Map(entries));

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

/**
 * Whether a visit may do without a shader that another one uses, so that nothing need be heard of it: the losses must be right all the same.
 * The tuner chooses anew what it had no time to measure whole: convolutions, and what it fuses with them.
 */
export const mayLeaveOut = ({ tune }: Place, shader: string) =>
  tune && /^(conv2d|difference|sum_slices|swish_)/.test(shader);

/** Kernels that have one form. The plain form of a convolution is the only one that linear layers have. */
export const isOnlyForm = (kernel: string, variant: string) =>
  variant === 'direct' || (variant === 'plain' && !kernel.startsWith('conv2d'));

/** What a driver does to a shader, in the engine's words. */
const FAULTS = {
  refused: {
    warning: 'refused-kernel',
    error: 'shader',
    says: 'cannot be used',
    names: (shader: string) => [`The shader ${shader} was`, REFUSAL],
  },
  wrong: { warning: 'wrong-kernel', error: 'wrong-kernel', says: 'computes wrongly', names: () => [] },
};

/** What is wrong with what came of a fault in a shader, or nothing. */
function complaint(
  shader: string,
  what: keyof typeof FAULTS,
  expected: readonly number[],
  outcome: Outcome,
): string | undefined {
  const { losses, warnings, variants, error } = outcome;
  const fault = FAULTS[what];
  const odd = warnings.find(
    ({ code, message, kernel, variant }) =>
      code !== fault.warning ||
      !message.includes(`${kernel}.${variant} ${fault.says} on this adapter`) ||
      Object.entries(variants).some(([place, v]) => place.startsWith(`${kernel}/`) && v === variant),
  );
  if (odd) return `it warns of ${JSON.stringify(odd)}`;
  if (!error) {
    const isRight = losses.every((loss, i) => Math.abs(loss / expected[i] - 1) < 1e-5);
    return isRight ? undefined : `the losses are ${losses}, not ${expected}`;
  }
  const { kernel = '', variant = '', message } = error;
  if (!(error instanceof EngineError) || error.code !== fault.error) return `it ends in ${error}`;
  const parts = [`${kernel}.${variant} ${fault.says}`, ...fault.names(shader), 'Update the'];
  if (!parts.every((part) => message.includes(part))) return `it ends in unclear words: ${message}`;
  if (isOnlyForm(kernel, variant)) return undefined;
  return `${kernel} has other forms than ${variant}: ${message}`;
}

export interface Result {
  readonly complaints: readonly string[];
  /** Rows that trained, and that ended in an error. */
  readonly trained: number;
  readonly ended: number;
}

/** What comes of each row: a name of it, what is wrong with it, and its outcome. */
export async function tryEach<Row>(
  rows: readonly Row[],
  visit: (row: Row) => Promise<readonly [name: string, fault: string | undefined, outcome: Outcome]>,
): Promise<Result> {
  const complaints: string[] = [];
  let ended = 0;
  for (const row of rows) {
    const [name, fault, outcome] = await visit(row);
    if (fault) complaints.push(`${name}: ${fault}`);
    if (outcome.error) ended++;
  }
  return { complaints, ended, trained: rows.length - ended };
}

/** Refuses one shader after the other, each in the visit after `healthy`, and where nothing is remembered. */
export const refuseEach = (
  device: GPUDevice,
  place: Place,
  healthy: Awaited<ReturnType<typeof healthyVisit>>,
  rows: readonly { readonly shader: string; readonly remembered: boolean }[],
): Promise<Result> =>
  tryEach(rows, async ({ shader, remembered }) => {
    const cache = remembered ? healthy.remembered : memoryCache();
    const outcome = await trainOn(device, place, cache, { refuses: (name) => name === shader });
    const fault = complaint(shader, 'refused', healthy.losses, outcome);
    return [`${shader}${remembered ? ', remembered' : ''}`, fault, outcome];
  });

/** The same entries, found some days ago. */
export const aged = (entries: Entries, days: number): Entries =>
  new Map(
    [...entries].map(([key, text]) => {
      const { date, ...all } = JSON.parse(text);
      return [key, JSON.stringify({ ...all, date: date - days * 24 * 3600 * 1000 })];
    }),
  );

/**
 * Makes one shader after the other compute nothing, each after `healthy`, by an update of the driver that its version tells of, or that
 * nothing tells of: then the fault must be found 8 days later, before the first step, too.
 */
export const updateEach = (
  device: GPUDevice,
  place: Place,
  healthy: Awaited<ReturnType<typeof healthyVisit>>,
  rows: readonly { readonly shader: string; readonly told: boolean }[],
): Promise<Result> =>
  tryEach(rows, async ({ shader, told }) => {
    const cache = cacheOf(told ? healthy.entries : aged(healthy.entries, 8));
    const rewrites = (name: string, text: string) => (name === shader ? doesNothing(text) : text);
    const where = told ? { ...place, cacheKey: 'updated' } : place;
    const outcome = await trainOn(device, where, cache, { rewrites });
    const isNoticed = outcome.error || outcome.warnings.length > 0;
    const fault =
      isNoticed || mayLeaveOut(place, shader)
        ? complaint(shader, 'wrong', healthy.losses, outcome)
        : 'it is not noticed';
    return [`${shader}${told ? '' : ', untold'}`, fault, outcome];
  });
