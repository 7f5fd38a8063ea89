/** Measures how good a network's digits are by comparing samples with real digits. */
import type { Engine } from '../../src/engine';
import { createQualityMeter, type Quality, type QualityMeter } from '../../src/quality/quality';
import type { Sampling } from '../../src/unet/sampling';
import type { UNet } from '../../src/unet/unet';

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

export interface Measured {
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
  for (let done = 0; done < count; ) {
    const n = Math.min(BATCH, count - done);
    const sampler = await engine.createSampler(unet, { count: n });
    try {
      const conditions = labels && { labels: labels.subarray(done, done + n), guidance, guidanceRange };
      // The noise follows from a seed and an image's position, so each batch needs its own seed.
      const values = await sampler.sample({ ...sampling, ...conditions, seed: seed + done, signal });
      images.set(values, done * size);
    } finally {
      sampler.destroy();
    }
    done += n;
    onImages?.(done);
  }
  return { images, labels };
}

/** `given`: a meter for several networks. */
export async function measureQuality(
  engine: Engine,
  unet: UNet,
  run: QualityRun,
  given?: QualityMeter,
): Promise<Measured> {
  const { images, labels } = await manySamples(engine, unet, run);
  const meter = given ?? (await createQualityMeter({ signal: run.signal }));
  return { samples: meter.measure(images, labels), real: meter.measureReal() };
}

const percent = (share: number) => `${(100 * share).toFixed(1)}%`;

/** A row for each measure: samples, then real digits. */
export function qualityTable({ samples, real }: Measured): string {
  const rows: [string, string, string][] = [['', 'samples', 'real digits']];
  const add = (name: string, show: (q: Quality) => string) => rows.push([name, show(samples), show(real)]);
  add('accepted by the classifier', (q) => percent(q.accepted));
  if (samples.classAccuracy !== undefined) add('asked digit is seen', (q) => percent(q.classAccuracy ?? 0));
  add('digit distance', (q) => q.digitDistance.toFixed(1));
  add('precision', (q) => q.precision.toFixed(3));
  add('recall', (q) => q.recall.toFixed(3));
  add('entropy of the digits', (q) => q.entropy.toFixed(3));
  const widths = [0, 1, 2].map((i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map(([name, ...values]) =>
      [name.padEnd(widths[0]), ...values.map((v, i) => v.padStart(widths[i + 1]))].join('  '),
    )
    .join('\n');
}

/** All measures in one line. */
export function qualityLine({ samples, real }: Measured): string {
  const times = samples.digitDistance / real.digitDistance;
  const seen =
    samples.classAccuracy === undefined ? '' : `, ${percent(samples.classAccuracy)} show the digit asked for`;
  return `${percent(samples.accepted)} accepted (real digits ${percent(real.accepted)})${seen}, digit distance ${times.toFixed(1)} times the real digits', recall ${samples.recall.toFixed(2)} (real ${real.recall.toFixed(2)})`;
}
