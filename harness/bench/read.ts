/** A bench's result as a file. What is read is untrusted input: everything that is shown of it is checked. Pure. */
import { EngineError, printable } from '../../src/base/errors';
import { type BenchResult, type Row, SCHEMA } from './result';

/** What a comparison needs of a result, and the name of its file. */
export interface Named {
  readonly name: string;
  readonly result: Compared;
}

type Compared = Pick<BenchResult, 'adapter' | 'runtime' | 'batches' | 'network' | 'end'> & {
  readonly timer: { readonly kind: string };
  readonly peak: { readonly gflops: number; readonly gbps: number };
  readonly rows: readonly RowName[];
};
export type RowName = Pick<Row, 'part' | 'kernel' | 'variant' | 'layer' | 'batch' | 'size' | 'ms'>;

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
      `${name} is not a result of this bench: ${why}. Give a file that the bench wrote.`,
    );
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
  const wrong = Object.keys(like).find((field) => !hasField(like, field, value as Fields));
  if (wrong) throw refuse(`its field ${wrong.replace('?', '')} is missing or of another kind`);
  return { name, result: value as unknown as Compared };
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const oneOf =
  (...names: readonly string[]) =>
  (value: unknown) =>
    names.some((name) => name === value);

/** What a result is like: values of the same kinds, lists of such values, tests; `?` marks what may be missing. */
const like = {
  adapter: { vendor: '', architecture: '', device: '', description: '', software: true },
  ...{ runtime: '', batches: [0], timer: { kind: '' }, peak: { gflops: 0, gbps: 0 } },
  'network?': {
    ...{ 'recipe?': '', 'widths?': [0], 'kernelSize?': 0, 'residual?': true },
    'convolutionsPerLevel?': (value: unknown) => fits([0], [value].flat()),
  },
  end: oneOf('complete', 'budget', 'stopped'),
  rows: [
    {
      ...{ part: oneOf('whole', 'op', 'kernel'), kernel: '', variant: '', layer: '', batch: 0, size: 0 },
      'ms?': { median: 0, p10: 0, p90: 0, n: 0 },
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
  const own = value[name.replace('?', '')];
  return (name.endsWith('?') && own === undefined) || fits(model[name], own);
}
