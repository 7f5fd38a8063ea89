/** All adapters whose results were sent, in a table and a roofline: for docs/performance.md and the page. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import { recipeAt } from '../../src/recipes';
import { layersOf } from '../../src/unet/config';
import { choiceText, configOf, type NetworkChoice } from '../run/network';
import { adapterLabel } from '../text/adapter_text';
import { plural } from '../text/units';
import { convBytes, convInsideFlops, passesOfStep, sumOverLayers } from './inside';
import type { Peak } from './result';
import type { Adapter } from './roofline';
import { short, type Table, titles } from './table';

/** What is kept of a result: a line of docs/results/gpu/table.json. */
export interface MeasuredAdapter {
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  readonly date: string;
  readonly commit: string;
  readonly network?: NetworkChoice | undefined;
  readonly batch: number;
  /** Medians; null if not measured. */
  readonly ms: { readonly step: number; readonly forward: number | null; readonly sample: number | null };
  /** Null in results of before 0.3. */
  readonly firstMs: number | null;
  readonly peak: Pick<Peak, 'gflops' | 'gbps'>;
}

/** Images of the recipes' data set, the digits of the package. */
const IMAGES = 10_000;

/** What follows from the median of a training step. Throws `argument` for a network or a batch that is not legal. */
export function ratesOf({ network, batch, ms: { step } }: Pick<MeasuredAdapter, 'network' | 'batch' | 'ms'>) {
  const { fit } = recipeAt(network?.recipe ?? 'tutorial', batch);
  const stepsOfEpoch = Math.max(fit.dropLast ? Math.floor(IMAGES / batch) : Math.ceil(IMAGES / batch), 1);
  const sum = (of: typeof convBytes) => sumOverLayers(layersOf(configOf(network)), batch, passesOfStep, of);
  const flops = sum(convInsideFlops);
  return {
    /** All steps of the recipe's training. */
    recipeSeconds: ((fit.epochs ?? 1) * stepsOfEpoch * step) / 1000,
    /** GFLOP/s of the step's convolutions, without taps outside the image. */
    gflops: flops / step / 1e6,
    /** The same operations for each byte of their tensors, each read or written once. */
    intensity: flops / sum(convBytes),
  };
}

export const adapterOf = (one: MeasuredAdapter): Adapter => ({
  ...{ name: `${nameOf(one)}, ${runtimeText(one.runtime)}, ${networkText(one)}`, peak: one.peak },
  ...ratesOf(one),
});

/** GPUs first, then by network and batch, the fastest first. */
export function ranked(all: readonly MeasuredAdapter[]): MeasuredAdapter[] {
  const key = (one: MeasuredAdapter) => `${one.adapter.software} ${networkText(one)}`;
  return [...all].sort((a, b) => (key(a) === key(b) ? a.ms.step - b.ms.step : key(a) < key(b) ? -1 : 1));
}

export const nameOf = ({ adapter }: Pick<MeasuredAdapter, 'adapter'>) =>
  `${adapterLabel(adapter)}${adapter.software ? ' (software)' : ''}`;

const networkText = ({ network, batch }: Pick<MeasuredAdapter, 'network' | 'batch'>) =>
  `${choiceText(network)}, ${plural(batch, 'image')}`;

const browsers = [
  [/Edg\/(\d+)/, 'Edge'],
  [/(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/Version\/(\d+(?:\.\d+)?).* Safari\//, 'Safari'],
] as const;
const systems = [
  [/Windows/, 'Windows'],
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
] as const;

/** `Chrome 156, Windows`, from a user agent; other runtimes name themselves. */
function runtimeText(runtime: string): string {
  const browser = browsers.flatMap(([pattern, name]) => {
    const version = pattern.exec(runtime)?.[1];
    return version ? [`${name} ${version}`] : [];
  })[0];
  if (!browser || !runtime.startsWith('Mozilla/')) return runtime.slice(0, 80);
  const system = systems.find(([pattern]) => pattern.test(runtime))?.[1];
  return system ? `${browser}, ${system}` : browser;
}

/** `all` in the order of `ranked`. */
export function measuredTable(all: readonly MeasuredAdapter[]): Table {
  const number = (value: number | null) => (value === null ? '–' : short(value));
  const hasGpu = all.some(({ adapter }) => !adapter.software);
  return {
    title: 'Adapters that were measured',
    lead: hasGpu ? [] : ['No GPU has been measured yet; a software adapter computes on the processor.'],
    head: [
      ...['adapter', 'browser or runtime', 'step ms', 'forward ms', 'sample ms', 'recipe s'],
      ...['peak GFLOP/s', 'peak GB/s', 'first step s', 'network', 'commit'],
    ],
    rows: all.map((one) => [
      ...[nameOf(one), runtimeText(one.runtime)],
      ...[one.ms.step, one.ms.forward, one.ms.sample, ratesOf(one).recipeSeconds].map(number),
      ...[one.peak.gflops, one.peak.gbps, one.firstMs && one.firstMs / 1000].map(number),
      ...[networkText(one), `${one.date.slice(0, 10)}, ${one.commit.slice(0, 7)}`],
    ]),
    text: 2,
    notes: [
      `Medians of a ${titles.step}, a ${titles.forward} and a ${titles.sample}; recipe s: the steps of the whole recipe on the 10,000 digits, each of the median; first step s: with compiling, and on a GPU choosing variants. Each kernel was checked before it was timed.`,
    ],
  };
}
