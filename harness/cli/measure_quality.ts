/** Measures how good a network's digits are by comparing samples with real digits. */
import type { Engine } from '../../src/engine';
import { alignColumns } from '../../src/unet/describe';
import type { Sampling } from '../../src/unet/sampling';
import type { UNet } from '../../src/unet/unet';
import { createQualityMeter, type Quality, type QualityMeter } from '../quality/quality';
import { percent } from '../text/table';

/** Images per sampling batch. */
const BATCH = 250;

export interface QualityRun {
  readonly count: number;
  readonly seed: number;
  /** Default: as the network is usually sampled. */
  readonly sampling?: Sampling;
  readonly signal?: AbortSignal;
  readonly onImages?: (done: number) => void;
}

export interface MeasuredQuality {
  readonly samples: Quality;
  /** The same measures for real digits that the classifier has not seen. */
  readonly real: Quality;
}

/** Whether this network makes digits that the classifier can read. */
export const makesDigits = ({ height, width, channels, conditioning }: UNet['config']) =>
  height === 28 && width === 28 && channels === 1 && [undefined, 0, 10].includes(conditioning?.classes);

/** Samples `count` images, one of each class in turn if the network is conditioned on classes, and returns them with the labels. */
export async function manySamples(engine: Engine, unet: UNet, run: QualityRun) {
  const { count, seed, signal, onImages } = run;
  const { height, width, channels, conditioning } = unet.config;
  const classes = conditioning?.classes ?? 0;
  const { guidance, guidanceRange, ...sampling } = run.sampling ?? {};
  const size = height * width * channels;
  const images = new Float32Array(count * size);
  const labels = classes > 0 ? Uint8Array.from({ length: count }, (_, i) => i % classes) : undefined;
  const whole = Math.min(BATCH, count);
  let sampler = await engine.createSampler(unet, { count: whole });
  try {
    for (let done = 0; done < count; ) {
      const n = Math.min(BATCH, count - done);
      if (n < whole) {
        sampler.destroy();
        sampler = await engine.createSampler(unet, { count: n });
      }
      const conditions = labels && { labels: labels.subarray(done, done + n), guidance, guidanceRange };
      // The noise follows from a seed and an image's position, so each batch needs its own seed. After the last comes 0.
      const own = (seed + done) >>> 0;
      const values = await sampler.sample({ ...sampling, ...conditions, seed: own, signal });
      images.set(values, done * size);
      done += n;
      onImages?.(done);
    }
  } finally {
    sampler.destroy();
  }
  return { images, labels };
}

/** `given`: a meter for several networks. */
export async function measureQuality(
  engine: Engine,
  unet: UNet,
  run: QualityRun,
  given?: QualityMeter,
): Promise<MeasuredQuality> {
  const { images, labels } = await manySamples(engine, unet, run);
  const meter = given ?? (await createQualityMeter({ signal: run.signal }));
  return { samples: meter.measure(images, labels), real: meter.measureReal() };
}

/** A measure as tables show it. */
interface Figure {
  readonly name: string;
  /** Undefined without classes. */
  readonly of: (quality: Quality) => number | undefined;
  readonly decimals: number;
  /** Shown in percent. */
  readonly isShare?: boolean;
}

const FIGURES: readonly Figure[] = [
  { name: 'accepted by the classifier', of: (q) => q.accepted, decimals: 1, isShare: true },
  { name: 'asked digit is seen', of: (q) => q.classAccuracy, decimals: 1, isShare: true },
  { name: 'digit distance', of: (q) => q.digitDistance, decimals: 1 },
  { name: 'precision', of: (q) => q.precision, decimals: 3 },
  { name: 'recall', of: (q) => q.recall, decimals: 3 },
  { name: 'entropy of the digits', of: (q) => q.entropy, decimals: 3 },
];

const shown = ({ isShare }: Figure, value: number, decimals: number) =>
  isShare ? percent(value, decimals) : value.toFixed(decimals);

/** A row for each measure: samples, then real digits. */
export function qualityTable({ samples, real }: MeasuredQuality): string {
  const figures = FIGURES.filter(({ of }) => of(samples) !== undefined);
  const rows = figures.map((figure) => {
    const cell = (quality: Quality) => shown(figure, figure.of(quality)!, figure.decimals);
    return [figure.name, cell(samples), cell(real)];
  });
  return alignColumns([['', 'samples', 'real digits'], ...rows], [1, 2]);
}

/** Measurements of a card: enough for a standard error. */
export const CARD_RUNS = 10;

/** Makes ten times `count` images, and measures each tenth by itself. */
export async function measureCard(
  engine: Engine,
  unet: UNet,
  run: QualityRun,
): Promise<readonly MeasuredQuality[]> {
  const { count, signal } = run;
  const { images, labels } = await manySamples(engine, unet, { ...run, count: CARD_RUNS * count });
  const meter = await createQualityMeter({ signal });
  const size = images.length / (CARD_RUNS * count);
  return Array.from({ length: CARD_RUNS }, (_, i) => {
    signal?.throwIfAborted();
    const from = i * count;
    const to = (i + 1) * count;
    const samples = meter.measure(images.subarray(from * size, to * size), labels?.subarray(from, to));
    return { samples, real: meter.measureReal() };
  });
}

/**
 * The figures of a card as a table in Markdown: the mean of the runs and its standard error, the deviation between the runs over the root of
 * their number, to two digits.
 */
export function cardTable(runs: readonly MeasuredQuality[], name: string): string {
  const rows = FIGURES.flatMap((figure) => {
    const values = runs.map(({ samples }) => figure.of(samples));
    if (values[0] === undefined) return [];
    const { mean, error } = meanOf(values as number[]);
    const digits = figure.isShare ? 100 * error : error;
    const decimals = digits > 1e-9 ? Math.max(0, 1 - Math.floor(Math.log10(digits))) : figure.decimals;
    const real = shown(figure, figure.of(runs[0].real)!, figure.decimals);
    return `| ${figure.name} | ${shown(figure, mean, decimals)} ± ${shown(figure, error, decimals)} | ${real} |`;
  });
  return [`| \`${name}\` | mean ± standard error | real digits |`, '|---|--:|--:|', ...rows].join('\n');
}

function meanOf(values: readonly number[]): { mean: number; error: number } {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (n - 1) / n) };
}

/** All measures in one line. */
export function qualityLine({ samples, real }: MeasuredQuality): string {
  const times = samples.digitDistance / real.digitDistance;
  const seen =
    samples.classAccuracy === undefined
      ? ''
      : `, ${percent(samples.classAccuracy, 1)} show the digit asked for`;
  return `${percent(samples.accepted, 1)} accepted (real digits ${percent(real.accepted, 1)})${seen}, digit distance ${times.toFixed(1)} times the real digits', recall ${samples.recall.toFixed(2)} (real ${real.recall.toFixed(2)})`;
}
