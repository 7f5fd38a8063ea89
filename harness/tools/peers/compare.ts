/** Runs the same work in each library, in turns; works in Node and in a page. */

import { Waiter } from '../../../src/base/time';
import type { AdapterDescription } from '../../../src/gpu/adapter';
import { clocked, summary, type Times } from '../../bench/timer';
import { watchDevices } from './devices';
import { createOurs } from './ours';
import { type CreatePeer, makeWorkload, type Peer, type PeerRecipe } from './workload';

export const peerNames = ['jax-js', 'tfjs-webgpu', 'tfjs-webgl'] as const;
export type PeerName = (typeof peerNames)[number];

/** Loads a library on demand, so that loading its code is not timed. */
export const loadPeer: Readonly<Record<PeerName, () => Promise<CreatePeer>>> = {
  'jax-js': async () => (await import('./jax')).createJax,
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).loadTfjs('webgpu'),
  'tfjs-webgl': async () => (await import('./tfjs.mjs')).loadTfjs('webgl'),
};

export const modes = ['train', 'forward'] as const;
export type Mode = (typeof modes)[number];

export interface PeerPlan {
  readonly recipe: PeerRecipe;
  readonly peers: readonly PeerName[];
  readonly modes: readonly Mode[];
  /** Images per step. */
  readonly batch: number;
  /** Number of times that each library is timed, if the budget permits. */
  readonly rounds: number;
  /** Seconds for everything. */
  readonly budget: number;
}

export const OURS = 'webgpu-diffusion';

export interface PeerRow {
  readonly name: string;
  /** The first step in seconds, including all compiling; in the first mode also the device and the upload of the weights. */
  readonly first: number;
  /** The rounds in which the library took part; undefined if it took part in none. */
  readonly ms?: Times | undefined;
  /** The library's median divided by ours. */
  readonly ratio: number;
  /**
   * Difference from ours: the largest relative difference among the losses of the first eight steps, or the largest difference among the
   * predictions divided by the largest prediction.
   */
  readonly difference: number;
}

export interface PeerTimes {
  readonly adapter: AdapterDescription;
  /** The renderers of libraries that do not run on the adapter, by name. */
  readonly renderers: Readonly<Record<string, string>>;
  readonly results: readonly { readonly mode: Mode; readonly rows: readonly PeerRow[] }[];
  /** Problems that invalidate the comparison. */
  readonly problems: readonly string[];
}

/** Rounding differences grow from step to step, since training is chaotic: up to this step, all libraries agree. */
const COMPARED_STEPS = 8;
const TOLERANCE = 1e-4;
const TRAINING_SHARE = 0.65;

interface Library {
  readonly name: string;
  readonly create: CreatePeer;
  peer?: Peer;
}

/** What a library does in a mode. The first of `ms` compiles; the second, if there are three, warms up. */
interface Runs {
  readonly name: string;
  readonly ms: number[];
  readonly losses: number[];
  output: ArrayLike<number>;
}

export async function compare(plan: PeerPlan): Promise<PeerTimes> {
  const start = performance.now();
  const seen = await watchDevices();
  const libraries: Library[] = [{ name: OURS, create: createOurs }];
  for (const name of plan.peers) libraries.push({ name, create: await loadPeer[name]() });
  const problems: string[] = [];
  const results: { mode: Mode; rows: PeerRow[] }[] = [];
  for (const [i, mode] of plan.modes.entries()) {
    const share = i < plan.modes.length - 1 ? TRAINING_SHARE : 1;
    const runs = await takeTurns(mode, libraries, plan, start + plan.budget * 1000 * share);
    results.push({ mode, rows: rowsOf(mode, runs) });
  }
  for (const { mode, rows } of results) {
    for (const { name, difference } of rows) {
      // Written so that NaN counts as a problem.
      if (!(difference <= TOLERANCE))
        problems.push(`${name} differs from ours by ${difference} (${mode}); ${TOLERANCE} is allowed.`);
    }
  }
  for (const { adapter, errors } of seen) {
    if (adapter !== seen[0].adapter)
      problems.push(`A library runs on another adapter: ${adapter}, not ${seen[0].adapter}.`);
    if (errors.length > 0) problems.push(`${errors.length} errors on a device: ${errors[0]}`);
  }
  const renderers = libraries.flatMap(({ name, peer }) => (peer?.renderer ? [[name, peer.renderer]] : []));
  return {
    adapter: libraries[0].peer!.adapter!,
    renderers: Object.fromEntries(renderers),
    results,
    problems,
  };
}

async function takeTurns(
  mode: Mode,
  libraries: readonly Library[],
  { recipe, batch, rounds }: PeerPlan,
  deadline: number,
): Promise<Runs[]> {
  const workload = makeWorkload(recipe);
  const waiter = new Waiter(() => {});
  const all = libraries.map(({ name }): Runs => ({ name, ms: [], losses: [], output: [] }));
  for (let round = 0; round < rounds + 2; round++) {
    const line: string[] = [];
    for (const [i, library] of libraries.entries()) {
      const { name, ms, losses } = all[i];
      // A library sits out the rounds for which the time is up; one whose warming up would use the rest is timed at once.
      const cost = (round === 1 ? 3 : 1) * (ms.at(-1) ?? 0);
      if (round > 0 && performance.now() + cost > deadline) continue;
      const images = workload.batch(losses.length, batch);
      // After a training run, the weights are no longer the same in all libraries.
      if (mode === 'forward' && round === 0) await library.peer?.restoreWeights();
      const work = async () => {
        library.peer ??= await library.create(batch, workload);
        if (mode === 'train') losses.push(await library.peer.step(images));
        else all[i].output = await library.peer.predict(images);
      };
      // Ours has its own waiter. The others get one here: they are not to blame for what Node's binding does to them.
      const took = await clocked(() => (name === OURS ? work() : waiter.wait(work()))).catch(
        (cause: Error) => {
          throw new Error(`${name}: ${cause.message}`, { cause });
        },
      );
      ms.push(took);
      line.push(`${name} ${(took / 1000).toPrecision(3)} s`);
    }
    if (line.length === 0 && round > 1) break;
    console.warn(`${mode}, round ${round} of ${rounds + 1}: ${line.join(', ')}`);
  }
  return all;
}

function rowsOf(mode: Mode, all: readonly Runs[]): PeerRow[] {
  const timesOf = ({ ms }: Runs) => (ms.length > 1 ? summary(ms.slice(ms.length > 2 ? 2 : 1)) : undefined);
  const ours = timesOf(all[0])?.median ?? Number.NaN;
  const differ = mode === 'train' ? lossDifference : outputDifference;
  return all.map((runs) => {
    const ms = timesOf(runs);
    const ratio = (ms?.median ?? Number.NaN) / ours;
    return { name: runs.name, first: runs.ms[0] / 1000, ms, ratio, difference: differ(all[0], runs) };
  });
}

function lossDifference({ losses: ours }: Runs, { losses }: Runs): number {
  const compared = losses.slice(0, Math.min(ours.length, COMPARED_STEPS));
  return Math.max(...compared.map((loss, i) => Math.abs(loss / ours[i] - 1)));
}

function outputDifference({ output: ours }: Runs, { output: theirs }: Runs): number {
  if (ours.length !== theirs.length) return Number.NaN;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, Math.abs(ours[i]));
    difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
  }
  return difference / largest;
}
