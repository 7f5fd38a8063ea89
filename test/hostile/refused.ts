/** What becomes of training where the driver refuses one shader or another. */
import { EngineError, type EngineOptions, type TuningCache } from '../../src/index';
import { memoryCache } from '../../src/tuning/cache';
import { check, type Network } from '../checked_networks';
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
export async function trainOn(
  device: GPUDevice,
  { network, tune, adapterInfo }: Place,
  tuningCache: TuningCache,
  hostility: Hostility = {},
  options: EngineOptions = {},
) {
  using hostile = makeHostile(device, { adapterInfo, ...hostility });
  return { ...(await check(device, network, { tune, tuningCache, ...options })), asked: [...hostile.asked] };
}

export type Outcome = Awaited<ReturnType<typeof trainOn>>;

/** A visit without faults: what it trains, what the next one remembers of it, and cannot add to, and the shaders that this one uses. */
export async function healthyVisit(device: GPUDevice, place: Place) {
  const cache = memoryCache();
  const outcome = await trainOn(device, place, cache);
  if (outcome.error) throw outcome.error;
  const remembered = { get: cache.get, set: async () => {} };
  const { asked: used } = await trainOn(device, place, remembered);
  return { ...outcome, used, remembered };
}

/** Kernels that have one form. The plain form of a convolution is the only one that linear layers have. */
export const isOnlyForm = (kernel: string, variant: string) =>
  !kernel.startsWith('conv2d') || variant === 'direct';

/** What is wrong with what came of refusing a shader, or nothing. */
function complaint(shader: string, expected: readonly number[], outcome: Outcome): string | undefined {
  const { losses, warnings, variants } = outcome;
  const error = outcome.error as (Error & { kernel?: string; variant?: string }) | undefined;
  const odd = warnings.find(
    ({ code, message, kernel, variant }) =>
      code !== 'refused-kernel' ||
      !message.includes(`${kernel}.${variant} cannot be used on this adapter`) ||
      Object.entries(variants).some(([place, v]) => place.startsWith(`${kernel}/`) && v === variant),
  );
  if (odd) return `it warns of ${JSON.stringify(odd)}`;
  if (!error) {
    const isRight = losses.every((loss, i) => Math.abs(loss / expected[i] - 1) < 1e-5);
    return isRight ? undefined : `the losses are ${losses}, not ${expected}`;
  }
  const { kernel = '', variant = '', message } = error;
  if (!(error instanceof EngineError) || error.code !== 'shader') return `it ends in ${error}`;
  const parts = [`${kernel}.${variant} cannot be used`, `The shader ${shader} was`, REFUSAL, 'Update the'];
  if (!parts.every((part) => message.includes(part))) return `it ends in unclear words: ${message}`;
  return isOnlyForm(kernel, variant) ? undefined : `${kernel} has other forms than ${variant}: ${message}`;
}

export interface Result {
  readonly complaints: readonly string[];
  /** Rows that trained, and that ended in an error. */
  readonly trained: number;
  readonly ended: number;
}

/** Refuses one shader after the other, each in the visit after `healthy`, and where nothing is remembered. */
export async function refuseEach(
  device: GPUDevice,
  place: Place,
  healthy: Awaited<ReturnType<typeof healthyVisit>>,
  rows: readonly { readonly shader: string; readonly remembered: boolean }[],
): Promise<Result> {
  const complaints: string[] = [];
  let ended = 0;
  for (const { shader, remembered } of rows) {
    const cache = remembered ? healthy.remembered : memoryCache();
    const outcome = await trainOn(device, place, cache, { refuses: (name) => name === shader });
    const fault = complaint(shader, healthy.losses, outcome);
    if (fault) complaints.push(`${shader}${remembered ? ', remembered' : ''}: ${fault}`);
    if (outcome.error) ended++;
  }
  return { complaints, ended, trained: rows.length - ended };
}
