/** All adapters whose results were sent, in a table and a roofline: for docs/performance.md and the page. Pure. */
import type { AdapterDescription } from '../../src/gpu/adapter';
import { recipeAt } from '../../src/recipes';
import { layersOf } from '../../src/unet/config';
import { choiceText, configOf, type NetworkChoice } from '../run/network';
import { adapterName } from '../text/adapter_text';
import { plural } from '../text/units';
import { convBytes, convInsideFlops, passesOfStep, sumOverLayers } from './inside';
import type { BenchResult, BenchTotal, Peak, TotalName } from './result';
import { short, type Table, titles } from './table';

/** What the table needs of a result: a line of docs/results/gpu/table.json. */
export interface Measured {
  /** The name of the result's file in docs/results/gpu. */
  readonly file: string;
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  readonly date: string;
  readonly commit: string;
  readonly network?: NetworkChoice;
  readonly batch: number;
  /** Medians; null if not measured. */
  readonly ms: Readonly<Record<TotalName, number | null>>;
  /** To the end of the recipe's training: its steps, each of the median. */
  readonly recipeSeconds: number;
  /** Null in results of before 0.3. */
  readonly firstSeconds: number | null;
  readonly peak: Pick<Peak, 'gflops' | 'gbps'>;
  /** GFLOP/s of the step's convolutions, without taps outside the image. */
  readonly gflops: number;
  /** The same operations for each byte of their tensors, each read or written once. */
  readonly intensity: number;
}

/** Images of the recipes' data set, the digits of the package. */
const IMAGES = 10_000;

function stepsOf({ network, batch }: Pick<Measured, 'network' | 'batch'>): number {
  const { fit } = recipeAt(network?.recipe ?? 'tutorial', batch);
  const each = Math.max(fit.dropLast ? Math.floor(IMAGES / batch) : Math.ceil(IMAGES / batch), 1);
  return (fit.epochs ?? 1) * each;
}

/** `result` has a training step, as all that are accepted have. */
export function measuredOf(file: string, result: BenchResult & { readonly commit: string }): Measured {
  const { adapter, runtime, date, commit, network, batch, peak, step, forward, sample } = result;
  const { ms, insideGflops, firstMs }: BenchTotal = step!;
  const sum = (of: typeof convBytes) => sumOverLayers(layersOf(configOf(network)), batch, passesOfStep, of);
  return {
    ...{ file, adapter, runtime, date, commit, ...(network ? { network } : {}), batch },
    ms: { step: ms.median, forward: forward?.ms.median ?? null, sample: sample?.ms.median ?? null },
    recipeSeconds: (stepsOf({ network, batch }) * ms.median) / 1000,
    firstSeconds: firstMs === undefined ? null : firstMs / 1000,
    peak: { gflops: peak.gflops, gbps: peak.gbps },
    ...{ gflops: insideGflops, intensity: sum(convInsideFlops) / sum(convBytes) },
  };
}

/** GPUs first, then by network and batch, the fastest first. */
export function ranked(all: readonly Measured[]): Measured[] {
  const key = (one: Measured) => `${one.adapter.software} ${networkText(one)}`;
  const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b));
  return [...all].sort((a, b) => byText(key(a), key(b)) || a.ms.step! - b.ms.step! || byText(a.file, b.file));
}

export const nameOf = ({ adapter }: Pick<Measured, 'adapter'>) =>
  `${adapterName(adapter) || 'not named'}${adapter.software ? ' (software)' : ''}`;

export const networkText = ({ network, batch }: Pick<Measured, 'network' | 'batch'>) =>
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
export function runtimeText(runtime: string): string {
  const browser = browsers.flatMap(([pattern, name]) => {
    const version = pattern.exec(runtime)?.[1];
    return version ? [`${name} ${version}`] : [];
  })[0];
  if (!browser || !runtime.startsWith('Mozilla/')) return runtime.slice(0, 80);
  const system = systems.find(([pattern]) => pattern.test(runtime))?.[1];
  return system ? `${browser}, ${system}` : browser;
}

/** `all` in the order of `ranked`. */
export function measuredTable(all: readonly Measured[]): Table {
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
      ...[one.ms.step, one.ms.forward, one.ms.sample, one.recipeSeconds].map(number),
      ...[one.peak.gflops, one.peak.gbps, one.firstSeconds].map(number),
      ...[networkText(one), `${one.date.slice(0, 10)}, ${one.commit.slice(0, 7)}`],
    ]),
    text: 2,
    notes: [
      `Medians of a ${titles.step}, a ${titles.forward} and a ${titles.sample}; recipe s: the steps of the whole recipe on the 10,000 digits, each of the median; first step s: with compiling, and on a GPU choosing variants. Each kernel was checked before it was timed.`,
    ],
  };
}
