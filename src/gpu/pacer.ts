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
