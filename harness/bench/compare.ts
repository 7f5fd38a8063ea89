/** Compares two benches: what became faster, what slower, and which differences are noise. Pure. */
import { dataError, isObject, printable } from '../../src/base/errors';
import { choiceText } from '../run/network';
import { adapterText } from '../text/adapter_text';
import { short, type Table } from '../text/table';
import { type BenchResult, SCHEMA } from './result';
import { rowName } from './table';
import type { Times } from './timer';

/** A result, and the name of its file. */
export interface Named {
  readonly name: string;
  readonly result: BenchResult;
}

/** Runs differ by this factor for reasons that their own bands do not show: another place in memory, another temperature. */
const NOISE = 1.05;

/** `within noise`: the bands from p10 to p90 overlap, or the medians are too close, so another run may show the opposite. */
function verdictOf(before: Times, after: Times): '▼ faster' | '▲ slower' | '≈ within noise' {
  const ratio = after.median / before.median;
  if (ratio < NOISE && ratio > 1 / NOISE) return '≈ within noise';
  if (after.p90 < before.p10) return '▼ faster';
  return after.p10 > before.p90 ? '▲ slower' : '≈ within noise';
}

const alike: Readonly<Record<string, (result: BenchResult) => string>> = {
  adapters: ({ adapter }) => adapterText(adapter),
  runtimes: ({ runtime }) => runtime,
  'batches, so only what is alike in that is compared': ({ batches }) => batches.join(', '),
  networks: ({ network }) => choiceText(network),
  clocks: ({ timer }) => timer.kind,
};

/** Why they are not quite comparable. */
function differences(before: Named, after: Named): string[] {
  const different = Object.entries(alike).flatMap(([what, of]) => {
    const a = of(before.result);
    const b = of(after.result);
    return a === b ? [] : [`Different ${what}: ${a} in ${before.name}, ${b} in ${after.name}.`];
  });
  const stopped = [before, after].filter(({ result }) => result.end === 'stopped');
  const isSoftware = [before, after].every(({ result }) => result.adapter.software);
  return [
    ...different,
    ...stopped.map(({ name }) => `${name} is of a run that was stopped.`),
    ...(isSoftware ? ['Both ran in software, on the CPU: this says nothing about GPUs.'] : []),
  ];
}

/** A row for each measurement that both have, the greatest speed-up first. */
export function comparisonTable(before: Named, after: Named): Table {
  const [a, b] = [before, after].map(
    ({ result: { rows } }) => new Map(rows.flatMap((row) => (row.ms ? [[rowName(row), row.ms]] : []))),
  );
  const compared = [...a].flatMap(([name, ms]) => {
    const other = b.get(name);
    return other ? [{ name, ms, other, ratio: other.median / ms.median, verdict: verdictOf(ms, other) }] : [];
  });
  const count = (of: string) => compared.filter(({ verdict }) => verdict.endsWith(of)).length;
  const apart = `${a.size - compared.length} only in ${before.name}, ${b.size - compared.length} only in ${after.name}`;
  const peaks = [before, after].map(
    ({ name, result: { peak } }) => `${short(peak.gflops)} GFLOP/s and ${short(peak.gbps)} GB/s in ${name}`,
  );
  return {
    title: `${after.name} against ${before.name}`,
    lead: [
      compared.length === 0
        ? `The two have no measurement in common (${apart}).`
        : `${count('faster')} faster, ${count('slower')} slower, ${count('noise')} within noise (less than 5% apart, or their bands from p10 to p90 touch); ${apart}.`,
      `Peaks: ${peaks.join(', ')}.`,
      ...differences(before, after),
    ],
    head: ['after / before', 'what', 'ms before', 'ms after'],
    rows: compared
      .sort((x, y) => x.ratio - y.ratio)
      .map(({ name, ms, other, ratio, verdict }) => [
        `${ratio.toFixed(2)}x ${verdict}`,
        name,
        short(ms.median),
        short(other.median),
      ]),
    text: 2,
  };
}

// ---------------------------------------------------------------- files

/**
 * Parses a result from JSON, as untrusted input: everything that a comparison shows of it is checked. Throws an EngineError `data` that names
 * the file, for any other content.
 */
export function parseResult(name: string, json: string): Named {
  const refuse = (why: string) =>
    dataError(`${name} is not a result of this bench: ${why}. Give a file that the bench wrote.`);
  let value: unknown;
  try {
    // The names in it are printed to terminals.
    value = JSON.parse(json, (_, part) => (typeof part === 'string' ? printable(part, 1000) : part));
  } catch {
    throw refuse('it is not JSON');
  }
  if (!isObject(value) || !('schema' in value)) throw refuse('it has no field schema');
  if (value.schema !== SCHEMA)
    throw refuse(`its schema is ${JSON.stringify(value.schema)?.slice(0, 40)}, this program reads ${SCHEMA}`);
  for (const [field, model] of Object.entries(models))
    if (!matchesModel(model, value[field])) throw refuse(`its field ${field} is missing or of another kind`);
  return { name, result: value as unknown as BenchResult };
}

const oneOf =
  (...names: readonly unknown[]) =>
  (value: unknown) =>
    names.includes(value);
const optional = (model: unknown) => (value: unknown) => value === undefined || matchesModel(model, value);

/** What the fields are like: values of the same kinds, lists of such values, tests. */
const models = {
  adapter: { vendor: '', architecture: '', device: '', description: '', software: true },
  runtime: '',
  batches: [0],
  timer: { kind: '' },
  peak: { gflops: 0, gbps: 0 },
  network: optional({
    recipe: optional(''),
    widths: optional([0]),
    kernelSize: optional(0),
    residual: optional(true),
    convolutionsPerLevel: optional((value: unknown) => matchesModel([0], [value].flat())),
  }),
  end: oneOf('complete', 'budget', 'stopped'),
  rows: [
    {
      part: oneOf('whole', 'op', 'kernel'),
      kernel: '',
      variant: '',
      layer: '',
      batch: 0,
      size: 0,
      ms: optional({ median: 0, p10: 0, p90: 0, n: 0 }),
    },
  ],
};

function matchesModel(model: unknown, value: unknown): boolean {
  if (typeof model === 'function') return model(value);
  if (Array.isArray(model)) return Array.isArray(value) && value.every((one) => matchesModel(model[0], one));
  if (isObject(model))
    return isObject(value) && Object.entries(model).every(([name, own]) => matchesModel(own, value[name]));
  return typeof value === typeof model && (typeof value !== 'number' || Number.isFinite(value));
}
