/** A small case of any kernel that a network uses, and input values for it: see src/plan/small_case.ts. */
import { smallCases } from 'virtual:references';
import type { Values } from '../plan/reference';
import { between, Random, type StartValues } from '../plan/small_case';

/** A SmallCase of any shape. */
interface AnySmallCase {
  readonly shape: (shape: never, sizes: never) => object;
  readonly values?: Readonly<Record<string, StartValues<never>>>;
}

const all: Readonly<Record<string, AnySmallCase>> = smallCases;

interface AnyKernel {
  readonly name: string;
  /** Number of elements of each tensor. */
  readonly sizes: (shape: never) => Readonly<Record<string, number>>;
}

/** A small shape of the same kind. */
export const smallShape = ({ name, sizes }: AnyKernel, shape: object): object =>
  all[name].shape(shape as never, sizes as never);

const usual = between(-2, 2);

/** The contents of every tensor before a kernel runs, including tensors that it only writes, so that values which it fails to write show up. */
export function startValues(
  kernel: string,
  shape: object,
  sizes: Readonly<Record<string, number>>,
): Record<string, Values> {
  const random = new Random();
  const own = all[kernel].values ?? {};
  return Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => [name, (own[name] ?? usual)(size, random, shape as never)]),
  );
}
