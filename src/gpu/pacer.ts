import { passes } from '../base/time';

/** Assumed rate of an adapter before the first measurement, in work per second: low enough for any adapter. */
const FIRST_RATE = 5e8;
/**
 * The rate assumed of a shader before it is measured, as a share of the rate of everything measured. A share of the slowest shader's would
 * fall with each dispatch too small to show its rate.
 */
const UNSEEN = 1 / 16;
/** Clocks are coarse: no submission takes less, in milliseconds. */
const LEAST = 0.05;
/** A measurement changes rates by at most this factor, so that one hiccup or compilation does not dominate them. */
const MAX_CHANGE = 4;
/** Damping exponent when a measured rate exceeds the estimate, half of it once confirmed: layers differ. */
const RISE = 2 / 3;
/** What was measured this many full submissions ago counts half: early rates are low. */
const REMEMBERED = 4;

/**
 * Words of ends that come within this time of each other, in milliseconds, may have been sent together: they do not time what lies between.
 */
const TOGETHER = 1;
/** Minimum fraction of the round trip that then counts as the GPU's, unless less is expected. */
const LEAST_SHARE = 0.25;
/** Fraction of the predicted time to assume when completion callbacks arrive late. */
const HOPE = 2 / 3;

/** To wait for word costs little where the work takes this many times longer. */
const WORTH_WAITING = 8;

/** Half-life of the latency estimate, in milliseconds. */
const FORGETTING = 500;

/** Most submissions in flight, */
export const MOST_IN_FLIGHT = 16;
/** and most of the GPU's time for them, in milliseconds, if more than two are: 60, which a command of the page may wait for, less errors. */
const MOST_AHEAD = 50;

/**
 * A program that should not be cut may take this many times the time of a submission. Several may, by rates that no measurement has confirmed:
 * early rates are low.
 */
const WHOLE = 4;
/** A measurement confirms rates if the time is not shorter than expected by more than this factor. */
const CONFIRMED = 1.5;

/** The work of a part of a program, in FLOPs (see Program.part), and its shader. */
export interface PartWork {
  readonly shader: string;
  readonly work: number;
}

/** Work that can be submitted part by part: a Program. */
export interface Submittable {
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
  /** Settles when word of its end comes. */
  readonly ended: Promise<unknown>;
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
  /** The shaders whose rates a measurement has confirmed. */
  private readonly confirmed = new Set<string>();
  /** Everything measured. */
  private readonly all = { work: 0, milliseconds: 0 };
  /** Submissions during which the clock stood still, as one of 100 ms does (Firefox's against fingerprinting), since it last ticked, */
  private untimed = new Load();
  /** and how far such a clock ticks, in milliseconds. */
  private tick = 0;
  /** In order. */
  private readonly inFlight = new Set<Submission>();
  /** When the GPU ended what was submitted before those in flight, */
  private endedAt = 0;
  /** by how many milliseconds word of an end comes late at most, both as far as is known, */
  private late = 0;
  /** and when the last word came. */
  private heardAt = 0;

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
   * has none. Returns where they end. `whole`: all or none, unless they alone take much longer than that; rates that are not confirmed
   * count fourfold.
   */
  fill(
    load: Load,
    parts: Submittable,
    from: number,
    milliseconds = this.maxMilliseconds,
    whole = false,
  ): number {
    const hopes = whole && this.all.milliseconds > 0;
    const timeOf = (part: PartWork) =>
      this.millisecondsOf(part) / (hopes && !this.confirmed.has(part.shader) ? WHOLE : 1);
    const sumOf = ({ workByShader }: Load) =>
      [...workByShader].reduce((sum, [shader, work]) => sum + timeOf({ shader, work }), 0);
    let planned = sumOf(load);
    const isShort = hopes && planned === 0 && this.predict(parts.load) <= WHOLE * milliseconds;
    if (from === 0 && (planned + sumOf(parts.load) <= milliseconds || isShort)) {
      load.addAll(parts.load);
      return parts.partCount;
    }
    if (from === 0 && whole && planned > 0) return 0;
    let to = from;
    for (; to < parts.partCount; to++) {
      const part = parts.part(to);
      const takes = timeOf(part);
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
   * If there is no room for another submission: whether time makes room before word of the first one's end comes. Two may be in flight, and
   * where word comes late, besides them as much work as the GPU does meanwhile, but little of it still to be done.
   */
  untilRoom(): Promise<boolean> | undefined {
    const { inFlight } = this;
    if (inFlight.size < 2) return undefined;
    let all = 0;
    let end = this.endedAt;
    for (const { start, expected } of inFlight) {
      all += expected;
      end = Math.max(end, start) + expected;
    }
    const [{ ended }] = inFlight;
    if (!this.isLate || inFlight.size >= MOST_IN_FLIGHT || all >= this.late + 2 * this.maxMilliseconds)
      return passes(Infinity, ended);
    const milliseconds = Math.ceil(end + this.maxMilliseconds - MOST_AHEAD - performance.now());
    return milliseconds > 0 ? passes(milliseconds, ended) : undefined;
  }

  /** Resolves when there is room for another submission. */
  async room(): Promise<void> {
    for (let full = this.untilRoom(); full; full = this.untilRoom()) await full;
  }

  /**
   * Learns from a submission, from now on until word of its end comes: `ended` resolves to the times at which word came of the end of what
   * was submitted before, perhaps by others, and of its own end; and to the milliseconds between these ends by the GPU's own clock, if known.
   */
  async measure(
    load: Load,
    ended: Promise<readonly [begin: number, end: number, milliseconds?: number]>,
  ): Promise<void> {
    const { inFlight, isLate } = this;
    const start = performance.now();
    const submission = { start, expected: this.predict(load), ended };
    inFlight.add(submission);
    try {
      const [begin, end, milliseconds] = await ended;
      const expected = this.predict(load);
      const least = isLate ? HOPE * expected : Math.min(LEAST_SHARE * (end - start), expected);
      const byWord = end - begin < TOGETHER ? Math.max(end - begin, least) : end - begin;
      const isUntimed = milliseconds === undefined && end === begin && (end === start || this.hasUntimed);
      load.milliseconds = isUntimed ? expected : Math.min(milliseconds ?? byWord, end - start);
      this.endedAt = Math.min(Math.max(this.endedAt, start) + load.milliseconds, end);
      const late = end - this.endedAt - this.tick;
      this.late = Math.max(late, this.late * 0.5 ** ((end - this.heardAt) / FORGETTING));
      this.heardAt = end;
      if (isUntimed) this.untimed.addAll(load);
      else this.measured(this.hasUntimed ? this.sinceTick(load) : load);
    } finally {
      inFlight.delete(submission);
    }
  }

  private get hasUntimed(): boolean {
    return this.untimed.workByShader.size > 0;
  }

  /** What took the time of a tick: the load in which the clock ticked, and all since the tick before it. */
  private sinceTick(load: Load): Load {
    const all = this.untimed;
    this.untimed = new Load();
    all.addAll(load);
    all.milliseconds = load.milliseconds;
    this.tick = Math.min(this.tick || Infinity, load.milliseconds);
    return all;
  }

  /** Whether a load takes the GPU much longer than word of its end takes to come. */
  outlastsWord(load: Load): boolean {
    return this.predict(load) > WORTH_WAITING * this.late;
  }

  /** Whether word of ends comes later than a submission takes. */
  get isLate(): boolean {
    return this.late > this.maxMilliseconds;
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
    const powerOf = (shader: string) => (change <= 1 ? 1 : this.confirmed.has(shader) ? RISE / 2 : RISE);
    const most = Math.max(...predicted.map(([_, milliseconds]) => milliseconds));
    for (const [shader, share] of predicted)
      this.rates.set(shader, this.rate(shader) * change ** ((powerOf(shader) * share) / most));
    if (ratio < CONFIRMED) for (const shader of load.workByShader.keys()) this.confirmed.add(shader);
    const kept = 0.5 ** (milliseconds / (REMEMBERED * this.maxMilliseconds));
    this.all.milliseconds = kept * this.all.milliseconds + milliseconds;
    this.all.work *= kept;
    for (const work of load.workByShader.values()) this.all.work += work;
  }

  private rate(shader: string): number {
    const { work, milliseconds } = this.all;
    const unseen = milliseconds === 0 ? FIRST_RATE : ((1000 * work) / milliseconds) * UNSEEN;
    return this.rates.get(shader) ?? unseen;
  }
}
