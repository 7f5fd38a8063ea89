/** A planted fault: an edit that a test must notice. */
import { readFileSync } from 'node:fs';

export interface Mutant {
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in it exactly once. */
  readonly text: string;
  readonly becomes: string;
  readonly caughtBy: Net;
}

/** Which of the tests that `npm test` runs notice it: a lane, and words as on its command line. */
export interface Net {
  readonly lane: 'unit' | 'emulate' | 'node' | 'page';
  readonly words: readonly string[];
}

const net =
  (lane: Net['lane']) =>
  (...words: string[]): Net => ({ lane, words });
export const [unit, emulate, node, driven] = (['unit', 'emulate', 'node', 'page'] as const).map(net);

/** By group, then by the fault in words. */
export type Mutants = Readonly<Record<string, Readonly<Record<string, Mutant>>>>;

/** The file in `folder` with the fault in it. Throws where the edit fits no more, so that it is put right or taken out. */
export function mutated(folder: URL, { file, text, becomes }: Mutant): string {
  const parts = readFileSync(new URL(file, folder), 'utf8').split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`);
  return parts.join(becomes);
}
