import { passes } from './wait';

/** Assumed rate of an adapter before the first measurement, in work per second: low enough for any adapter. */
const FIRST_RATE = 5e8;
/**
 * The rate assumed of a shader before it is measured, as a share of the rate of everything measured. A share of the slowest shader's would
 * fall with each dispatch too small to show its rate.
 */
const UNSEEN = 1 / 16;
/** Clocks are coarse: no submission takes less, in milliseconds. */
const LEAST = 0.05;
/** A measurement changes rates by at most this factor, so that one hiccup or one compilation does not dominate them. */
const MAX_CHANGE = 4;
/** Rates rise by this power of what was measured: a shader is faster in one layer than in the next. */
const RISE = 2 / 3;

/**
 * Words of ends that come within this time of each other, in milliseconds, may have been sent together: they do not time what lies between.
 * Word that is asked for twice as much later comes apart if words are late, but not sent together.
 */
const TOGETHER = 1;
/** Minimum share of the time since a word could last have come that then counts as the GPU's, unless less is expected. */
const LEAST_SHARE = 0.25;

/** Most submissions in flight, */
export const MOST_IN_FLIGHT = 16;
/** and most of the GPU's time for them, in milliseconds, if more than two are: 60, which a command of the page may wait for, less errors. */
const MOST_AHEAD = 44;

/** A program that should not be cut may take this many times the time of a submission, by the rates so far: early rates are low. */
const WHOLE = 4;

/** The work of a part of a program, in FLOPs (see Program.part), and its shader. */
export interface PartWork {
  readonly shader: string;
  readonly work: number;
}

/** Work that can be submitted part by part: a Program. */
export interface Parts {
  readonly partCount: number;
  /** The work of part `i`. */
  part(i: number): PartWork;
  /** The work of all parts. */
  readonly load: Load;
  /** Records parts [from, to). */
  encode(pass: GPUComputePassEncoder, from?: number, to?: number): void;
}

/** The work of a submission, and its time. */
export class Load {
  readonly workByShader = new Map<string, number>();
  /** The GPU's time for this submission alone. `Gpu.submit` measures it. */
  milliseconds = 0;

  add({ shader, work }: PartWork): void {
    this.workByShader.set(shader, (this.workByShader.get(shader) ?? 0) + work);
  }

  addAll({ workByShader }: Load, times = 1): void {
    for (const [shader, work] of workByShader) this.add({ shader, work: work * times });
  }

  /** The load of `count` repetitions. */
  times(count: number): Load {
    const load = new Load();
    load.addAll(this, count);
    return load;
  }
}

/** A submission in flight, with times in milliseconds. */
interface Submission {
  readonly start: number;
  /** Expected time of the GPU. */
  readonly expected: number;
}

/**
 * Decides how much to submit at once, so that no submission blocks the GPU (or the page it paints) for long. Learns the rate of each
 * shader on this adapter, since they differ 15 times, from the submissions reported to it.
 */
export class Pacer {
  /** Maximum time of a submission, approximately. */
  maxMilliseconds: number;
  /** Work per second, by shader. */
  readonly rates = new Map<string, number>();
  /** Everything measured. */
  private readonly all = { work: 0, milliseconds: 0 };
  /** In order. */
  private readonly inFlight = new Set<Submission>();
  /** When the GPU ended what was submitted before those in flight, as far as is known, */
  private endedAt = 0;
  /** and how late word of it came. */
  private late = 0;

  constructor(maxMilliseconds: number) {
    this.maxMilliseconds = maxMilliseconds;
  }

  /** The work of a shader that fits into one submission, as far as is known. */
  budget(shader: string): number {
    return (this.rate(shader) * this.maxMilliseconds) / 1000;
  }

  /** Expected milliseconds of a part. */
  millisecondsOf({ shader, work }: PartWork): number {
    return (work / this.rate(shader)) * 1000;
  }

  /** Expected milliseconds of a submission. */
  predict({ workByShader }: Load): number {
    let sum = 0;
    for (const [shader, work] of workByShader) sum += this.millisecondsOf({ shader, work });
    return sum;
  }

  /**
   * Adds to `load` as many of the parts, from part `from` on, as take at most `milliseconds` together with what it has; at least one if it
   * has none. Returns where they end. `whole`: all or none, if the rates of their shaders are known, and they do not take much longer than
   * that.
   */
  fill(load: Load, parts: Parts, from: number, milliseconds = this.maxMilliseconds, whole = false): number {
    let planned = this.predict(load);
    const all = this.predict(parts.load);
    const isShort = whole && planned === 0 && this.knows(parts.load) && all <= WHOLE * milliseconds;
    // On a fast adapter many parts fit at once.
    if (from === 0 && (planned + all <= milliseconds || isShort)) {
      load.addAll(parts.load);
      return parts.partCount;
    }
    if (from === 0 && whole && planned > 0) return 0;
    let to = from;
    for (; to < parts.partCount; to++) {
      const part = parts.part(to);
      const takes = this.millisecondsOf(part);
      if (planned > 0 && planned + takes > milliseconds) break;
      planned += takes;
      load.add(part);
    }
    return to;
  }

  /** The number of repetitions of `load` that fit into one submission. */
  repeats(load: Load): number {
    return Math.floor(this.maxMilliseconds / this.predict(load));
  }

  /**
   * In how many milliseconds, a whole number, a caller with `count` submissions in flight may add one: 0 for now, infinite if only word of
   * an end can make room. Two may be in flight, and where word comes late, as much work as the GPU does meanwhile, but little of it still
   * to be done.
   */
  roomIn(count: number): number {
    if (count < 2) return 0;
    let [all, end] = [0, this.endedAt];
    for (const { start, expected } of this.inFlight) {
      all += expected;
      end = Math.max(end, start) + expected;
    }
    if (!this.isLate || count >= MOST_IN_FLIGHT || all >= this.late) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.ceil(end + this.maxMilliseconds - MOST_AHEAD - performance.now()));
  }

  /** If there is no room for more than the submissions of a caller: whether time makes room before the first of them settles. */
  untilRoom(inFlight: readonly Promise<unknown>[]): Promise<boolean> | undefined {
    const milliseconds = this.roomIn(inFlight.length);
    return milliseconds > 0 ? passes(milliseconds, inFlight[0]) : undefined;
  }

  /**
   * Learns from a submission, from now on until word of its end comes: `ended` resolves to the times at which word came of the end of what
   * was submitted before, perhaps by others, and of its own end. `word` resolves when word comes of the end of what is submitted.
   */
  async measure(
    load: Load,
    ended: Promise<readonly [begin: number, end: number]>,
    word: () => Promise<number>,
  ): Promise<void> {
    const { inFlight } = this;
    const start = performance.now();
    const submission = { start, expected: this.predict(load) };
    inFlight.add(submission);
    const later = this.isLate ? this.wordApart(start, word) : undefined;
    try {
      const [begin, end] = await ended;
      const measure = (most: number) => {
        const least = Math.min(LEAST_SHARE * most, this.predict(load));
        load.milliseconds = end - begin < TOGETHER ? Math.max(end - begin, least) : end - begin;
      };
      measure(end - start);
      this.endedAt = Math.min(Math.max(this.endedAt, start) + load.milliseconds, end);
      this.late = end - this.endedAt;
      if (!later || end - begin >= TOGETHER) return this.measured(load);
      void later.then((at) => {
        if (at - end >= TOGETHER) measure(Math.min(at - end, end - start));
        this.measured(load);
      });
    } finally {
      inFlight.delete(submission);
    }
  }

  private get isLate(): boolean {
    return this.late > this.maxMilliseconds;
  }

  /** Resolves to the time of a word that is asked for a little after `start`; 0 if it was asked for too late, or never comes. */
  private async wordApart(start: number, word: () => Promise<number>): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, 2 * TOGETHER));
    if (performance.now() - start > 4 * TOGETHER) return 0;
    return word().catch(() => 0);
  }

  /**
   * Learns from `load.milliseconds`: an error of the prediction changes the rate of each shader of the load in proportion to its share of
   * the prediction.
   */
  measured(load: Load): void {
    const planned = this.predict(load);
    if (planned === 0) return;
    const milliseconds = Math.max(load.milliseconds, LEAST);
    const ratio = planned / milliseconds;
    const change = Math.min(Math.max(ratio, 1 / MAX_CHANGE), MAX_CHANGE);
    const predicted = [...load.workByShader].map(
      ([shader, work]) => [shader, this.millisecondsOf({ shader, work })] as const,
    );
    const power = change > 1 ? RISE : 1;
    const most = Math.max(...predicted.map(([, milliseconds]) => milliseconds));
    for (const [shader, share] of predicted)
      this.rates.set(shader, this.rate(shader) * change ** ((power * share) / most));
    for (const work of load.workByShader.values()) this.all.work += work;
    this.all.milliseconds += milliseconds;
  }

  private knows({ workByShader }: Load): boolean {
    return [...workByShader.keys()].every((shader) => this.rates.has(shader));
  }

  private rate(shader: string): number {
    return this.rates.get(shader) ?? this.unseen;
  }

  private get unseen(): number {
    const { work, milliseconds } = this.all;
    return milliseconds === 0 ? FIRST_RATE : ((1000 * work) / milliseconds) * UNSEEN;
  }
}
