/** A bench's result as a file. What is read is untrusted input: everything that is shown of it is checked. Pure. */
import { EngineError, printable } from '../../src/base/errors';
import { type NetworkChoice, ownSize } from '../run/network';
import { type BenchResult, parts, SCHEMA, wholeNames } from './result';

/** A result and the name of its file. */
export interface Named {
  readonly name: string;
  readonly result: BenchResult;
}

// ---------------------------------------------------------------- writing

/** JSON with a line for each row of a list of objects, and for each other field of what holds such a list. */
export const rowsToJson = (content: object): string => `${spread(content)}\n`;

function spread(value: unknown): string {
  if (!holdsRows(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[\n${value.map(spread).join(',\n')}\n]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{\n${fields.map(([name, field]) => `${JSON.stringify(name)}: ${spread(field)}`).join(',\n')}\n}`;
}

/** Whether there is a list of objects in it. */
const holdsRows = (value: unknown): value is object =>
  Array.isArray(value) ? value.some(isObject) : isObject(value) && Object.values(value).some(holdsRows);

// ---------------------------------------------------------------- reading

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
  const { schema } = value;
  if (schema !== SCHEMA && schema !== 1)
    throw refuse(`its schema is ${JSON.stringify(schema)?.slice(0, 40)}, this program reads 1 and ${SCHEMA}`);
  let result = value;
  try {
    if (schema === 1) result = fromFirst(value as unknown as FirstSchema);
  } catch {
    throw refuse('it is not whole');
  }
  const wrong = Object.keys(fields).find((field) => !fields[field](result[field]));
  if (wrong) throw refuse(`its field ${wrong} is missing or of another kind`);
  return { name, result: result as unknown as BenchResult };
}

type Fields = Readonly<Record<string, unknown>>;
type Test = (value: unknown) => boolean;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text: Test = (value) => typeof value === 'string';
const number: Test = (value) => Number.isFinite(value);
const flag: Test = (value) => typeof value === 'boolean';
const optional =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const listOf =
  (test: Test): Test =>
  (value) =>
    Array.isArray(value) && value.every(test);
const oneOf =
  (names: readonly unknown[]): Test =>
  (value) =>
    names.includes(value);
const textByName: Test = (value) => isObject(value) && Object.values(value).every(text);
const object =
  (fields: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, test]) => test(value[name]));

const figures = ['flops', 'bytes', 'gflops', 'insideGflops', 'gbps', 'shareOfPeak', 'firstMs'];
const row = object({
  part: oneOf(parts),
  ...{ kernel: text, variant: text, layer: text, batch: number, size: number },
  ms: optional(object({ median: number, p10: number, p90: number, n: number })),
  ...Object.fromEntries(figures.map((name) => [name, optional(number)])),
  check: optional(object({ pass: flag, failure: optional(text) })),
  ...{ reason: optional(text), shape: optional(text), shaders: optional(listOf(text)) },
  variants: optional(textByName),
});
const rowOrWhole: Test = (value) =>
  row(value) && ((value as Fields).part !== 'whole' || oneOf(wholeNames)((value as Fields).kernel));

const fields: Readonly<Record<string, Test>> = {
  ...{ runtime: text, date: text, commit: optional(text), budgetSeconds: number, left: number },
  ...{ batches: listOf(number), sizes: listOf(number) },
  end: oneOf(['complete', 'budget', 'stopped']),
  adapter: object({ vendor: text, architecture: text, device: text, description: text, software: flag }),
  timer: object({ kind: text, resolutionMs: number }),
  peak: object({
    ...{ gflops: number, gbps: number },
    copies: listOf(object({ bytes: number, gbps: number })),
  }),
  gflopsAtEnd: (value) => value === null || number(value),
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
  rows: listOf(rowOrWhole),
};

// ---------------------------------------------------------------- schema 1

type FirstSchema = Fields & {
  readonly batch: number;
  readonly network?: NetworkChoice;
  readonly breakdowns: { readonly step: { readonly ops: readonly Fields[] } | null };
  readonly sweep: readonly Fields[];
  readonly rows: readonly Fields[];
  readonly skipped: readonly Fields[];
};

/** It had the whole network, ops, sweeps, kernels and what was not run in fields of their own, and null for what was not measured. */
function fromFirst({ batch, breakdowns, sweep, rows, skipped, ...rest }: FirstSchema): Fields {
  const size = ownSize(rest.network);
  const without = (row: Fields) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  const whole = (kernel: string, { timer: _, ...of }: Fields) =>
    ({ size, ...of, part: 'whole', kernel, variant: '', layer: '' }) as const;
  const isWhole = (name: unknown) => wholeNames.some((known) => known === name);
  return {
    ...rest,
    ...{ schema: SCHEMA, left: 0, batches: [batch], sizes: [size] },
    rows: [
      ...wholeNames.flatMap((name) => (rest[name] ? [whole(name, rest[name] as Fields)] : [])),
      ...(breakdowns.step?.ops ?? []).map((op) => ({ ...op, part: 'op', batch, size })),
      ...sweep.flatMap(({ step, forward, reason, ...place }) =>
        Object.entries({ step, forward }).map(([name, of]) =>
          whole(name, { ...place, ...(of ? (of as Fields) : { reason }) }),
        ),
      ),
      ...rows.map((row) => ({ ...row, part: 'kernel', size })),
      ...skipped.map((row) => ({ ...row, part: isWhole(row.kernel) ? 'whole' : 'kernel', batch, size })),
    ].map(without),
  };
}
