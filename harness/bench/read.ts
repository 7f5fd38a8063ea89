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
  const wrong = Object.keys(like).find((name) => !hasField(like, name, result));
  if (wrong) throw refuse(`its field ${wrong.replace('?', '')} is missing or of another kind`);
  return { name, result: result as unknown as BenchResult };
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const oneOf = (names: readonly string[]) => (value: unknown) => names.some((name) => name === value);

/** What a result is like: values of the same kinds, lists of such values, tests; `?` marks what may be missing, `*` any name. */
const like = {
  ...{ runtime: '', date: '', 'commit?': '', batches: [0], sizes: [0], budgetSeconds: 0, left: 0 },
  adapter: { vendor: '', architecture: '', device: '', description: '', software: true },
  'network?': {
    ...{ 'recipe?': '', 'widths?': [0], 'kernelSize?': 0, 'residual?': true },
    'convolutionsPerLevel?': (value: unknown) => fits([0], [value].flat()),
  },
  timer: { kind: '', resolutionMs: 0 },
  peak: { gflops: 0, gbps: 0, copies: [{ bytes: 0, gbps: 0 }] },
  end: oneOf(['complete', 'budget', 'stopped']),
  'gflopsAtEnd?': 0,
  rows: [
    {
      ...{ part: oneOf(parts), kernel: '', variant: '', layer: '', batch: 0, size: 0 },
      ...{ 'ms?': { median: 0, p10: 0, p90: 0, n: 0 }, 'check?': { pass: true, 'failure?': '' } },
      ...{ 'flops?': 0, 'bytes?': 0, 'gflops?': 0, 'insideGflops?': 0, 'gbps?': 0, 'shareOfPeak?': 0 },
      ...{
        'reason?': '',
        'used?': true,
        'shape?': '',
        'shaders?': [''],
        'variants?': { '*': '' },
        'firstMs?': 0,
      },
    },
  ],
};

function fits(model: unknown, value: unknown): boolean {
  if (typeof model === 'function') return model(value);
  if (Array.isArray(model)) return Array.isArray(value) && value.every((one) => fits(model[0], one));
  if (!isObject(model))
    return typeof value === typeof model && (typeof value !== 'number' || Number.isFinite(value));
  return isObject(value) && Object.keys(model).every((name) => hasField(model, name, value));
}

function hasField(model: Fields, name: string, value: Fields): boolean {
  if (name === '*') return Object.values(value).every((one) => fits(model[name], one));
  const own = value[name.replace('?', '')];
  return (name.endsWith('?') && own === undefined) || fits(model[name], own);
}

// ---------------------------------------------------------------- schema 1

type FirstSchema = Fields & {
  readonly batch: number;
  readonly network?: NetworkChoice;
  readonly inUse?: Fields;
  readonly breakdowns: { readonly step: { readonly ops: readonly Fields[] } | null };
  readonly sweep: readonly Fields[];
  readonly rows: readonly Fields[];
  readonly skipped: readonly Fields[];
};

/** It had the whole network, ops, sweeps, kernels and what was not run in fields of their own, and null for what was not measured. */
function fromFirst({ batch, breakdowns, sweep, rows, skipped, ...rest }: FirstSchema): Fields {
  const size = ownSize(rest.network);
  const whole = (kernel: string, of: unknown, place = {}) =>
    of ? [{ size, ...place, ...(of as Fields), part: 'whole', kernel, variant: '', layer: '' }] : [];
  const task = wholeNames.map((name) => rest[name] as { variants: Fields } | null).find(Boolean);
  const isUsed = ({ kernel, layer, variant }: Fields) => {
    const used = (task?.variants ?? rest.inUse)?.[`${kernel}/${layer}`];
    return used === undefined ? null : used === variant;
  };
  const measured: Fields[] = [
    ...wholeNames.flatMap((name) => whole(name, rest[name])),
    ...(breakdowns.step?.ops ?? []).map((op) => ({ ...op, part: 'op', batch, size })),
    ...sweep.flatMap(({ step, forward, reason, ...place }) => [
      ...whole('step', step ?? { reason }, place),
      ...whole('forward', forward ?? { reason }, place),
    ]),
    ...rows.map((row) => ({ ...row, part: 'kernel', size, used: isUsed(row) })),
    ...skipped.map((row) => ({ ...row, part: row.variant === '' ? 'whole' : 'kernel', batch, size })),
  ];
  const without = (row: Fields) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
  const now = { schema: SCHEMA, left: 0, batches: [batch], sizes: [size], rows: measured.map(without) };
  return without({ ...rest, ...now });
}
