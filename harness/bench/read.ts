/** Reads a bench's result from a file. The file is untrusted input: everything that is shown of it is checked. Pure. */
import { EngineError, printable } from '../../src/base/errors';
import { axes, type BenchResult, SCHEMA, totalNames } from './result';

/** A result and the name of its file. */
export interface Named {
  readonly name: string;
  readonly result: BenchResult;
}

/** Parses a result from JSON. Throws an EngineError `data` that names the file, for any other content. */
export function parseResult(name: string, json: string): Named {
  const refuse = (why: string) =>
    new EngineError(
      'data',
      `${name} is not a result of this bench: ${why}. Give a file that \`bench --json FILE\` or the page's Bench view wrote.`,
    );
  let value: unknown;
  try {
    // The names in it are printed to terminals and pages.
    value = JSON.parse(json, (_, part) => {
      if (typeof part === 'string') return printable(part, 1000);
      if (!isObject(part)) return part;
      return Object.fromEntries(Object.entries(part).map(([name, of]) => [printable(name, 1000), of]));
    });
  } catch {
    throw refuse('it is not JSON');
  }
  if (!isObject(value) || !('schema' in value)) throw refuse('it has no field schema');
  if (value.schema !== SCHEMA)
    throw refuse(`its schema is ${JSON.stringify(value.schema)?.slice(0, 40)}, this program reads ${SCHEMA}`);
  const wrong = wrongField(value);
  if (wrong) throw refuse(`its field ${wrong} is missing or of another kind`);
  return { name, result: value as unknown as BenchResult };
}

type Fields = Readonly<Record<string, unknown>>;
type Test = (value: unknown) => boolean;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text: Test = (value) => typeof value === 'string';
const number: Test = (value) => Number.isFinite(value);
const flag: Test = (value) => typeof value === 'boolean';
const orNull =
  (test: Test): Test =>
  (value) =>
    value === null || test(value);
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);
const textByName: Test = (value) => isObject(value) && Object.values(value).every(text);
const object =
  (fields: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, test]) => test(value[name]));

const times = object({ median: number, p10: number, p90: number, n: number });
const totalFields = {
  ...{ batch: number, ms: times, imagesPerSecond: number, gflops: number, insideGflops: number },
  ...{ timer: text, variants: textByName, firstMs: optional(number) },
};
const total = object(totalFields);
const sweepTotal = object({ ...totalFields, msPerImage: number, psPerMultiplyAdd: number });
const ofRow = { kernel: text, variant: text, layer: text };
const breakdown = object({
  ops: listOf(object({ ...ofRow, ms: times })),
  kernels: listOf(object({ kernel: text, ops: number, ms: number, share: number })),
  ...{ sumMs: number, sumOfTotal: number, otherShare: number },
});
const row = object({
  ...ofRow,
  ...{ batch: number, ms: orNull(times), gflops: orNull(number), insideGflops: orNull(number) },
  ...{ gbps: orNull(number), shareOfPeak: orNull(number) },
  check: object({ pass: flag, failure: optional(text) }),
  ...{ shape: optional(text), flops: optional(number), bytes: optional(number) },
  shaders: optional(listOf(text)),
});
const point = object({
  axis: (value) => axes.some((axis) => axis === value),
  ...{ batch: number, size: number, step: orNull(sweepTotal), forward: orNull(sweepTotal) },
  reason: optional(text),
});

const fields: Readonly<Record<string, Test>> = {
  ...{ runtime: text, date: text, commit: optional(text), end: text, batch: number, budgetSeconds: number },
  adapter: object({ vendor: text, architecture: text, device: text, description: text, software: flag }),
  timer: object({ kind: text, resolutionMs: number }),
  peak: object({
    ...{ gflops: number, gbps: number },
    copies: listOf(object({ bytes: number, gbps: number })),
  }),
  gflopsAtEnd: orNull(number),
  network: optional(
    object({
      recipe: optional(text),
      widths: optional(listOf(number)),
      kernelSize: optional(number),
      convolutionsPerLevel: optional((value) => number(value) || listOf(number)(value)),
      residual: optional(flag),
    }),
  ),
  inUse: optional(textByName),
  ...Object.fromEntries(totalNames.map((name) => [name, orNull(total)])),
  breakdowns: object(Object.fromEntries(totalNames.map((name) => [name, orNull(breakdown)]))),
  ...{ sweep: listOf(point), rows: listOf(row), skipped: listOf(object({ ...ofRow, reason: text })) },
  left: optional(number),
};

const wrongField = (result: Fields): string | undefined =>
  Object.keys(fields).find((name) => !fields[name](result[name]));
