import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** An empty folder that goes with its block. */
export function temporary() {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}
