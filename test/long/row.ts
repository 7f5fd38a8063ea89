import { whole } from '../../harness/text/units';

/** A row of the table. */
export interface Row {
  readonly name: string;
  /** The figure, or an error where the promise does not hold. */
  run(): Promise<string>;
}

/** `n of n`, or an error. */
export function all(good: number, of: number, what = ''): string {
  const figure = `${whole(good)} of ${whole(of)}${what}`;
  if (good !== of) throw new Error(figure);
  return figure;
}
