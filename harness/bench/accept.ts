/** Checks a result that anybody may have made, before it goes into the table of all adapters. Pure. */
import { EngineError, show } from '../../src/base/errors';
import { describeAdapter } from '../../src/gpu/adapter';
import { convFlops } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';
import { recipeAt } from '../../src/recipes';
import { layersOf } from '../../src/unet/config';
import type { Variants } from '../../src/unet/variants';
import { configOf, type NetworkChoice } from '../run/network';
import { convInsideFlops, passesOfStep, sumOverLayers } from './inside';
import { type Named, parseResult } from './read';
import { type BenchResult, type BenchRow, type BenchTotal, copyRate, SCHEMA, type TotalName } from './result';
import type { Times } from './statistics';

/** More than ten times the largest result. */
export const MOST_BYTES = 2 ** 21;
/** A form multiplies at most 10.1 times less than the plain sum (docs/performance.md); the rest is for a peak measured in a slow moment. */
const MOST_OF_PEAK = 12;
/** How far the peaks at the start and at the end may be apart. */
const MOST_DRIFT = 2;
/** Numbers that follow from each other may differ by this share. */
const ROUNDING = 1e-6;

/**
 * The short form of a result, made of what was checked alone: the whole network, and each row that was measured.
 *
 * @param now  no result is of later
 * @throws EngineError `data` that says what is wrong
 */
export function acceptResult(
  name: string,
  json: string,
  now: Date,
): BenchResult & { readonly commit: string } {
  if (json.length > MOST_BYTES) {
    throw new EngineError(
      'data',
      `${name} has ${json.length} characters; a result has at most ${MOST_BYTES}. Give a file that bench wrote.`,
    );
  }
  const check = new Check(parseResult(name, json));
  return check.result(now);
}

class Check {
  private readonly given: Named;

  constructor(given: Named) {
    this.given = given;
  }

  result(now: Date): BenchResult & { readonly commit: string } {
    const { result } = this.given;
    const { commit } = this.origin(now);
    const network = this.network();
    this.peak();
    const totals = {
      step: this.total('step', network),
      forward: this.total('forward', network),
      sample: this.total('sample', network),
    };
    if (!totals.step)
      throw this.refuse('it has no training step, which the table begins with. Bench without a kernel');
    const { vendor, architecture, device, description, software } = result.adapter;
    const { gflops, gbps, copies } = result.peak;
    return {
      schema: SCHEMA,
      adapter: { vendor, architecture, device, description, software },
      ...{ runtime: result.runtime, date: result.date, commit, batch: result.batch },
      ...(network ? { network } : {}),
      budgetSeconds: result.budgetSeconds,
      timer: { kind: result.timer.kind, resolutionMs: result.timer.resolutionMs },
      peak: { gflops, gbps, copies: copies.map((copy) => ({ bytes: copy.bytes, gbps: copy.gbps })) },
      ...(result.inUse ? { inUse: this.variants('inUse', result.inUse) } : {}),
      ...{ end: result.end, gflopsAtEnd: result.gflopsAtEnd, ...totals },
      ...{
        breakdowns: { step: null, forward: null, sample: null },
        sweep: [],
        rows: this.rows(),
        skipped: [],
      },
    };
  }

  private origin(now: Date) {
    const { adapter, runtime, date, commit = '', end, batch, budgetSeconds, timer } = this.given.result;
    const { vendor, architecture, device, description, software } = adapter;
    for (const [field, text] of Object.entries({ vendor, architecture, device, description, runtime }))
      this.text(field, text, 300);
    const named = { vendor, architecture, device, description } as GPUAdapterInfo;
    if (!software && describeAdapter(named).software)
      throw this.refuse('its adapter is named as one in software, and said to be a GPU');
    const at = Date.parse(date);
    if (!(at <= now.getTime() + 24 * 3600e3) || new Date(at).toISOString() !== date)
      throw this.refuse(`its date is ${show(date)}; it must be of the past, like ${now.toISOString()}`);
    if (/-dirty$/.test(commit))
      throw this.refuse(
        'its kernels had been changed since their commit. Bench again with what is committed',
      );
    if (!/^[0-9a-f]{40}$/.test(commit)) {
      const what = commit ? `its commit is ${show(commit)}` : 'it names no commit';
      throw this.refuse(
        `${what}; a commit has 40 hexadecimal digits. Bench again, in a clone or on the page`,
      );
    }
    if (end !== 'complete' && end !== 'budget')
      throw this.refuse(
        `its end is ${show(end)}; it must be complete or budget. Let the bench end by itself`,
      );
    this.number('batch', batch, 1, 65536, true);
    this.number('budgetSeconds', budgetSeconds, 1, 86400);
    this.timer(timer.kind);
    this.number('the resolution of its timer', timer.resolutionMs, 0, 1000);
    return { commit };
  }

  private network(): NetworkChoice | undefined {
    const { network, batch } = this.given.result;
    if (!network) return undefined;
    const { recipe, widths, kernelSize, convolutionsPerLevel, residual } = network;
    const all = { recipe, widths, kernelSize, convolutionsPerLevel, residual };
    const choice = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    try {
      recipeAt(recipe ?? 'tutorial', batch);
      configOf(choice);
    } catch (error) {
      throw this.refuse(`it has no legal network: ${error instanceof Error ? error.message : error}`);
    }
    return choice;
  }

  private peak(): void {
    const { peak, gflopsAtEnd } = this.given.result;
    const [mostGflops, mostGbps] = [1e6, 1e5];
    this.number('its peak', peak.gflops, 0.01, mostGflops);
    this.number('its peak at the end', gflopsAtEnd, 0.01, mostGflops);
    const drift = Math.max(gflopsAtEnd! / peak.gflops, peak.gflops / gflopsAtEnd!);
    if (drift > MOST_DRIFT) {
      throw this.refuse(
        `its peak was ${show(peak.gflops)} GFLOP/s at the start and ${show(gflopsAtEnd)} at the end, more than ${MOST_DRIFT} times apart: the machine was busy. Bench again while it is not`,
      );
    }
    this.list('copies', peak.copies, 1, 16);
    for (const [i, { bytes, gbps }] of peak.copies.entries()) {
      this.number('the bytes of a copy', bytes, i > 0 ? peak.copies[i - 1].bytes + 1 : 1, 2 ** 40, true);
      this.number('the rate of a copy', gbps, 0.001, mostGbps);
    }
    this.agree('its peak of memory', peak.gbps, peak.copies[peak.copies.length - 1].gbps, 'its largest copy');
  }

  private total(name: TotalName, network: NetworkChoice | undefined): BenchTotal | null {
    const { [name]: total, batch: images } = this.given.result;
    if (!total) return null;
    const { batch, imagesPerSecond, gflops, insideGflops, timer, firstMs } = total;
    if (batch !== images) throw this.refuse(`its ${name} is of ${batch} images, the result of ${images}`);
    const ms = this.times(name, total.ms);
    this.timer(timer);
    this.agree(`images per second of its ${name}`, imagesPerSecond, (batch / ms.median) * 1000, 'its median');
    const layers = layersOf(configOf(network));
    // Guidance runs the network twice.
    const passes = name === 'step' ? [passesOfStep] : name === 'forward' ? [() => 1] : [() => 1, () => 2];
    const rate = (of: (shape: ConvShape) => number) =>
      passes.map((often) => sumOverLayers(layers, batch, often, of) / ms.median / 1e6);
    this.agree(`GFLOP/s of its ${name}`, gflops, rate(convFlops), 'network and median');
    this.agree(`inside GFLOP/s of its ${name}`, insideGflops, rate(convInsideFlops), 'network and median');
    this.belowPeak(name, insideGflops);
    if (firstMs !== undefined) this.number(`the first run of its ${name}, in ms,`, firstMs, 0, 3600e3);
    return {
      ...{ batch, ms, imagesPerSecond, gflops, insideGflops, timer },
      variants: this.variants(`variants of ${name}`, total.variants),
      ...(firstMs === undefined ? {} : { firstMs }),
    };
  }

  private rows(): BenchRow[] {
    const { rows } = this.given.result;
    this.list('rows', rows, 0, 2000);
    const seen = new Set<string>();
    return rows.map((row) => {
      const name = `${row.kernel}.${row.variant} ${row.layer}`;
      if (seen.has(name)) throw this.refuse(`it has two rows ${show(name)}`);
      seen.add(name);
      return this.row(name, row);
    });
  }

  private row(name: string, { kernel, variant, layer, batch, check, ...row }: BenchRow): BenchRow {
    const { batch: images, peak } = this.given.result;
    for (const word of [kernel, variant, layer]) this.word(word);
    if (batch !== images) throw this.refuse(`its row ${name} is of ${batch} images, the result of ${images}`);
    const { ms, gflops, insideGflops, gbps, shareOfPeak } = row;
    const numbers = [ms, gflops, insideGflops, gbps, shareOfPeak];
    const place = { kernel, variant, layer, batch };
    if (!check.pass) {
      if (numbers.some((value) => value !== null))
        throw this.refuse(`its row ${name} was timed, though its check had failed`);
      const failure = check.failure?.replace(/\s+/g, ' ').slice(0, 200) ?? '';
      this.text(`the failure of ${name}`, failure, 200);
      const none = { ms: null, gflops: null, insideGflops: null, gbps: null, shareOfPeak: null };
      return { ...place, ...none, check: { pass: false, share: 0, failure } };
    }
    this.number(`the share of the allowed error of ${name}`, check.share, 0, 1);
    if (ms === null || gflops === null || insideGflops === null || gbps === null || shareOfPeak === null)
      throw this.refuse(`its row ${name} passed its check and has no time`);
    const times = this.times(name, ms);
    this.number(`GFLOP/s of ${name}`, gflops, 0, 1e7);
    this.number(`inside GFLOP/s of ${name}`, insideGflops, 0, gflops * (1 + ROUNDING));
    this.number(`GB/s of ${name}`, gbps, 0, 1e6);
    this.belowPeak(name, insideGflops);
    const { median } = times;
    if (row.flops !== undefined)
      this.agree(`GFLOP/s of ${name}`, gflops, row.flops / median / 1e6, 'its operations and median');
    if (row.bytes !== undefined)
      this.agree(`GB/s of ${name}`, gbps, row.bytes / median / 1e6, 'its bytes and median');
    const bytes = row.bytes ?? gbps * median * 1e6;
    const share = Math.max(insideGflops / peak.gflops, gbps / copyRate(peak, bytes));
    this.agree(`the share of the peak of ${name}`, shareOfPeak, share, 'its rates and the peaks');
    const rates = { gflops, insideGflops, gbps, shareOfPeak };
    return { ...place, ms: times, ...rates, check: { pass: true, share: check.share } };
  }

  // -------------------------------------------------------------- parts

  private times(name: string, { median, p10, p90, n }: Times): Times {
    this.number(`a time of ${name}, in ms,`, p10, 1e-9, 1e7);
    if (!(p10 <= median && median <= p90 && p90 <= 1e7)) {
      throw this.refuse(
        `the times of ${name} are p10 ${show(p10)}, median ${show(median)}, p90 ${show(p90)}; each must be at least the one before, and at most 1e7 ms`,
      );
    }
    this.number(`the samples of ${name}`, n, 3, 1e6, true);
    return { median, p10, p90, n };
  }

  private variants(field: string, variants: Variants): Variants {
    const entries = Object.entries(variants);
    this.list(field, entries, 0, 1000);
    for (const word of entries.flat()) this.word(word);
    return variants;
  }

  private belowPeak(name: string, gflops: number): void {
    const { peak, gflopsAtEnd } = this.given.result;
    const most = MOST_OF_PEAK * Math.max(peak.gflops, gflopsAtEnd ?? 0);
    if (gflops > most)
      throw this.refuse(
        `${name} computes ${show(gflops)} GFLOP/s, more than ${MOST_OF_PEAK} times the measured peak`,
      );
  }

  private timer(kind: string): void {
    if (kind !== 'timestamp-query' && kind !== 'wall clock')
      throw this.refuse(`a timer is ${show(kind)}; it must be timestamp-query or wall clock`);
  }

  private number(what: string, value: unknown, min: number, max: number, whole = false): void {
    if (typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value)))
      return;
    throw this.refuse(
      `${what} is ${show(value)}; it must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}`,
    );
  }

  private list(what: string, list: readonly unknown[], min: number, max: number): void {
    if (list.length < min || list.length > max)
      throw this.refuse(`${what}: ${list.length} entries; there must be ${min} to ${max}`);
  }

  /** `others`: what the value must be, or a list of what it may be. */
  private agree(what: string, value: number, others: number | readonly number[], from: string): void {
    const all = [others].flat();
    if (all.some((other) => Math.abs(value - other) <= ROUNDING * Math.max(Math.abs(other), 1e-12))) return;
    throw this.refuse(`${what} is ${show(value)}, but ${from} make ${all.map(show).join(' or ')}`);
  }

  /** Any letters and signs on one line, which Markdown and drawings then escape. */
  private text(what: string, text: string, most: number): void {
    if (text.length <= most && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text)) return;
    throw this.refuse(`${what} is ${show(text)}; it must be a line of at most ${most} characters`);
  }

  /** The name of a kernel, a variant, a layer, or `kernel/layer`. */
  private word(text: string): void {
    if (/^[\w. ,/-]{1,80}$/.test(text)) return;
    throw this.refuse(`a name in it is ${show(text)}; names have letters, digits and . _ , / -, at most 80`);
  }

  private refuse(what: string): EngineError {
    return new EngineError('data', `${this.given.name} cannot be in the table: ${what}.`);
  }
}
