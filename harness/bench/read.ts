/** A bench's result as a file. What is read is untrusted input: everything that a comparison shows of it is checked. Pure. */
import { dataError, isObject, printable } from '../../src/base/errors';
import { type BenchResult, SCHEMA } from './result';

/** A result, and the name of its file. */
export interface Named {
  readonly name: string;
  readonly result: BenchResult;
}

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

/** Parses a result from JSON. Throws an EngineError `data` that names the file, for any other content. */
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
    if (!fits(model, value[field])) throw refuse(`its field ${field} is missing or of another kind`);
  return { name, result: value as unknown as BenchResult };
}

const oneOf =
  (...names: readonly unknown[]) =>
  (value: unknown) =>
    names.includes(value);
const optional = (model: unknown) => (value: unknown) => value === undefined || fits(model, value);

/** What the fields are like: values of the same kinds, lists of such values, tests. */
const models = {
  adapter: { vendor: '', architecture: '', device: '', description: '', software: true },
  ...{ runtime: '', batches: [0], timer: { kind: '' }, peak: { gflops: 0, gbps: 0 } },
  network: optional({
    ...{ recipe: optional(''), widths: optional([0]), kernelSize: optional(0), residual: optional(true) },
    convolutionsPerLevel: optional((value: unknown) => fits([0], [value].flat())),
  }),
  end: oneOf('complete', 'budget', 'stopped'),
  rows: [
    {
      ...{ part: oneOf('whole', 'op', 'kernel'), kernel: '', variant: '', layer: '', batch: 0, size: 0 },
      ms: optional({ median: 0, p10: 0, p90: 0, n: 0 }),
    },
  ],
};

function fits(model: unknown, value: unknown): boolean {
  if (typeof model === 'function') return model(value);
  if (Array.isArray(model)) return Array.isArray(value) && value.every((one) => fits(model[0], one));
  if (isObject(model))
    return isObject(value) && Object.entries(model).every(([name, own]) => fits(own, value[name]));
  return typeof value === typeof model && (typeof value !== 'number' || Number.isFinite(value));
}
