/** Runs the same work in each library, in turns; works in Node and in a page. */

import { Waiter } from '../../../src/base/time';
import type { AdapterDescription } from '../../../src/gpu/adapter';
import { summary } from '../../bench/statistics';
import { type SeenDevice, watchDevices } from './devices';
import { loadPeer, type PeerName } from './load_peer';
import { createOurs, type Ours } from './ours';
import type { Peer } from './peer';
import { type PeerRecipe, type Workload, workloadOf } from './workload';

export const modes = ['train', 'forward'] as const;
export type Mode = (typeof modes)[number];

export interface PeerPlan {
  /** The recipe whose network runs, and how it is trained. */
  readonly recipe: PeerRecipe;
  readonly peers: readonly PeerName[];
  readonly modes: readonly Mode[];
  /** Images per step. */
  readonly batch: number;
  /** Number of times that each library is timed, if the budget permits. */
  readonly rounds: number;
  /** Seconds for everything. */
  readonly budget: number;
  /** A library that takes more seconds for one step takes no further part. */
  readonly limit: number;
}

export const OURS = 'webgpu-diffusion';

export interface Row {
  readonly name: string;
  /** The first step in seconds, including all compiling; `fromNothing`: also including requesting the device and uploading the weights. */
  readonly first?: number;
  readonly fromNothing: boolean;
  /** One entry for each round in which the library took part. */
  readonly seconds: readonly number[];
  readonly median?: number;
  /** The library's median divided by ours. */
  readonly ratio?: number;
  readonly losses?: readonly number[];
  /**
   * Difference from ours: the largest relative difference among the losses of the first eight steps, or the largest difference among the
   * predictions divided by the largest prediction.
   */
  readonly difference?: number;
  /** Why it was left out, or left out of some rounds. */
  readonly note?: string;
}

export interface PeerTimes {
  readonly adapter: AdapterDescription;
  /** The renderers of libraries that do not run on the adapter, by name. */
  readonly renderers: Readonly<Record<string, string>>;
  readonly recipe: PeerRecipe;
  readonly batch: number;
  readonly results: readonly { readonly mode: Mode; readonly rows: readonly Row[] }[];
  /** The time of the caller's thread for one of our steps: the least of five, since a software adapter competes for the CPU. */
  readonly hostMilliseconds?: number;
  /** Problems that invalidate the comparison. */
  readonly problems: readonly string[];
}

/** Rounding differences grow from step to step, since training is chaotic: up to this step, all libraries agree. */
const COMPARED_STEPS = 8;
const TOLERANCE = 1e-4;
const TRAINING_SHARE = 0.65;

class TooSlow extends Error {}

/** Creates any of the peers, or ours. */
type Create = (count: number, workload: Workload) => Promise<Peer>;

class Contestant {
  readonly name: string;
  peer: Peer | undefined;
  devices: readonly SeenDevice[] = [];
  /** The reason why it takes no further part. */
  out: string | undefined;
  /** Whether it is out because it threw. */
  failed = false;
  private readonly create: Create;

  constructor(name: string, create: Create) {
    this.name = name;
    this.create = create;
  }

  async prepare(batch: number, workload: Workload, seen: readonly SeenDevice[]): Promise<Peer> {
    if (this.peer) return this.peer;
    const before = seen.length;
    try {
      this.peer = await this.create(batch, workload);
    } finally {
      this.devices = seen.slice(before);
    }
    return this.peer;
  }
}

export async function compare(plan: PeerPlan, report: (line: string) => void): Promise<PeerTimes> {
  const start = performance.now();
  const seen = await watchDevices();
  const problems: string[] = [];
  const workload = workloadOf(plan.recipe);
  const contestants = [new Contestant(OURS, createOurs)];
  for (const name of plan.peers) {
    contestants.push(new Contestant(name, await loadPeer[name]()));
  }
  const results: { mode: Mode; rows: Row[] }[] = [];
  let hostMilliseconds: number | undefined;
  for (const [i, mode] of plan.modes.entries()) {
    const share = i < plan.modes.length - 1 ? TRAINING_SHARE : 1;
    const deadline = start + plan.budget * 1000 * share;
    const contest = new Contest({ mode, plan, workload, contestants, seen, deadline, report });
    results.push({ mode, rows: await contest.run(problems) });
    if (mode === 'train')
      hostMilliseconds = await hostTime(contestants[0].peer as Ours, workload, plan.batch);
  }

  const ours = contestants[0].peer as Ours;
  const adapter = contestants[0].devices[0].adapter;
  for (const { name, failed, out } of contestants) if (failed) problems.push(`${name} failed: ${out}`);
  for (const { device, adapter: other, errors } of seen) {
    const whose = contestants.find(({ devices }) => devices.some((each) => each.device === device));
    const name = whose?.name ?? 'A library';
    if (other !== adapter) problems.push(`${name} runs on another adapter: ${other}, not ${adapter}.`);
    if (errors.length > 0) problems.push(`${name}: ${errors.length} errors on its device: ${errors[0]}`);
  }
  if (!results.some(({ rows }) => rows.some((row) => row.difference !== undefined))) {
    problems.push('No peer could be compared.');
  }
  const renderers = contestants.flatMap(({ name, peer }) => (peer?.renderer ? [[name, peer.renderer]] : []));
  return {
    adapter: ours.adapter,
    renderers: Object.fromEntries(renderers),
    recipe: plan.recipe,
    batch: plan.batch,
    results,
    hostMilliseconds,
    problems,
  };
}

interface Score {
  first?: number;
  fromNothing: boolean;
  last: number;
  warmUp?: number;
  readonly seconds: number[];
  readonly losses: number[];
  output?: ArrayLike<number>;
  note?: string;
}

interface Terms {
  readonly mode: Mode;
  readonly plan: PeerPlan;
  readonly workload: Workload;
  readonly contestants: readonly Contestant[];
  readonly seen: readonly SeenDevice[];
  readonly deadline: number;
  readonly report: (line: string) => void;
}

/** Times all libraries in turns on one kind of work. */
class Contest {
  private readonly terms: Terms;
  private readonly scores = new Map<Contestant, Score>();
  private readonly waiter = new Waiter(() => {});

  constructor(terms: Terms) {
    this.terms = terms;
    for (const c of terms.contestants) {
      this.scores.set(c, { fromNothing: !c.peer, last: 0, seconds: [], losses: [], note: c.out });
    }
  }

  async run(problems: string[]): Promise<Row[]> {
    const { rounds } = this.terms.plan;
    await this.round('first', (score, seconds) => {
      score.first = seconds;
    });
    await this.round('warm-up', (score, seconds) => {
      score.warmUp = seconds;
    });
    for (let i = 1; i <= rounds; i++) {
      const went = await this.round(`round ${i} of ${rounds}`, (score, seconds) =>
        score.seconds.push(seconds),
      );
      if (went === 0) break;
    }
    for (const score of this.scores.values()) {
      if (score.seconds.length > 0 || score.warmUp === undefined) continue;
      score.seconds.push(score.warmUp);
      score.note ??= 'timed once only, warming up';
    }
    return this.rows(problems);
  }

  /** Runs each library once, if there is time; resolves to the number that ran. */
  private async round(title: string, keep: (score: Score, seconds: number) => void): Promise<number> {
    const { mode, contestants, deadline, report } = this.terms;
    const line: string[] = [];
    for (const contestant of contestants) {
      const score = this.scores.get(contestant)!;
      // A library whose warm-up would use up the remaining time is timed at once.
      const cost = (title === 'warm-up' ? 3 : 1) * score.last * 1000;
      if (contestant.out || performance.now() + cost > deadline) continue;
      try {
        const seconds = await this.once(contestant, score);
        score.last = seconds;
        keep(score, seconds);
        line.push(`${contestant.name} ${seconds.toPrecision(3)} s`);
      } catch (error) {
        contestant.out = (error as Error).message;
        if (contestant.name === OURS) throw new Error(`${OURS}: ${contestant.out}`, { cause: error });
        contestant.failed = !(error instanceof TooSlow);
        score.note = contestant.out;
        line.push(`${contestant.name} is out: ${contestant.out}`);
      }
    }
    if (line.length > 0) report(`${mode}, ${title}: ${line.join(', ')}`);
    return line.length;
  }

  private async once(contestant: Contestant, score: Score): Promise<number> {
    const { mode, workload, seen, plan } = this.terms;
    const { batch, limit } = plan;
    const images = workload.batch(mode === 'train' ? score.losses.length : 0, batch);
    // After a training run, the weights are no longer the same in all libraries.
    if (mode === 'forward' && contestant.peer && score.first === undefined)
      await contestant.peer.restoreWeights();
    const work = async () => {
      const peer = await contestant.prepare(batch, workload, seen);
      if (mode === 'train') score.losses.push(await peer.step(images));
      else score.output = await peer.predict(images);
    };
    const start = performance.now();
    // Ours has its own waiter. The others get one here: they are not to blame for what Node's binding does to them.
    const working = contestant.name === OURS ? work() : this.waiter.wait(work());
    await within(limit, working, () => {
      for (const { device } of contestant.devices) device.destroy();
    });
    return (performance.now() - start) / 1000;
  }

  private rows(problems: string[]): Row[] {
    const { mode, contestants } = this.terms;
    const ours = this.scores.get(contestants[0])!;
    const ourMedian = median(ours.seconds);
    return contestants.map((contestant) => {
      const { name } = contestant;
      const { first, fromNothing, seconds, losses, output, note } = this.scores.get(contestant)!;
      const train = mode === 'train';
      let difference: number | undefined;
      if (name !== OURS && (losses.length > 0 || output)) {
        difference = train ? lossDifference(ours.losses, losses) : outputDifference(ours.output!, output!);
        // Written so that NaN counts as a problem.
        if (!(difference <= TOLERANCE)) {
          const what = train ? 'losses' : 'predictions';
          problems.push(`${name}: its ${what} differ from ours by ${difference}; ${TOLERANCE} is allowed.`);
        }
      }
      const own = median(seconds);
      const ratio = own !== undefined && ourMedian !== undefined ? own / ourMedian : undefined;
      return {
        name,
        first,
        fromNothing,
        seconds,
        median: own,
        ratio,
        difference,
        note: note ?? (seconds.length === 0 ? 'no time was left' : undefined),
        ...(train ? { losses } : {}),
      };
    });
  }
}

const median = (values: readonly number[]) => (values.length > 0 ? summary(values).median : undefined);

function lossDifference(ours: readonly number[], theirs: readonly number[]): number {
  const n = Math.min(ours.length, theirs.length, COMPARED_STEPS);
  const each = Array.from({ length: n }, (_, i) => Math.abs(theirs[i] / ours[i] - 1));
  return Math.max(...each);
}

function outputDifference(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.NaN;
  let [largest, difference] = [0, 0];
  for (let i = 0; i < ours.length; i++) {
    largest = Math.max(largest, Math.abs(ours[i]));
    difference = Math.max(difference, Math.abs(ours[i] - theirs[i]));
  }
  return difference / largest;
}

async function hostTime(ours: Ours, workload: Workload, batch: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) times.push(await ours.hostMilliseconds(workload.batch(i, batch)));
  return Math.min(...times);
}

/** The promise, or an error after `seconds`; `giveUp` then stops the work in progress. */
async function within<T>(seconds: number, promise: Promise<T>, giveUp: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      promise.catch(() => {});
      giveUp();
      reject(new TooSlow(`a step took more than ${seconds} s`));
    }, seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
