/**
 * All planted faults: edits that a test must notice. The lists beside this file hold them, each as lines that follow each other:
 *
 *   a fault, in words                     where a line like `[doors]` stands before, a fault of the doors
 *   FILE | LANE | WORDS | WORDS           the file from the root; lane and words of the test that notices, as of `npm test`
 *   - text                                stands in the file exactly once; a text of several lines has several such lines
 *   + what it becomes                     likewise; without such a line, the text goes
 *
 * An empty line ends a fault. A line that begins with # is a comment.
 */
import { readFileSync } from 'node:fs';

/** The lists, by which `npm run test:all -- faults` chooses. */
export const groups: readonly string[] = ['kernels', 'network', 'engine', 'data', 'embedding', 'page'];

const lanes = ['unit', 'emulate', 'node', 'page'] as const;

/** Which tests notice a fault: a lane, and words as on its command line. */
export interface Net {
  readonly lane: (typeof lanes)[number];
  readonly words: readonly string[];
}

export interface Mutant {
  readonly group: string;
  /** Its place in the group, then the fault in words. */
  readonly name: string;
  /** The list and the line that it begins in. */
  readonly at: string;
  readonly file: string;
  readonly text: string;
  readonly becomes: string;
  readonly caughtBy: Net;
}

/** The faults of the list of a group. */
export function readList(group: string, list: string): Mutant[] {
  const mutants: Mutant[] = [];
  let place = '';
  let lines: string[] = [];
  let at = '';
  for (const [i, line] of `${list}\n`.split('\n').entries()) {
    if (line.startsWith('#')) continue;
    if (line) {
      if (lines.length === 0) at = `test/faults/${group}.txt:${i + 1}`;
      lines.push(line);
      continue;
    }
    const [, heading] = /^\[(.+)\]$/.exec(lines.join('\n')) ?? [];
    if (heading) place = heading;
    else if (lines.length > 0) mutants.push({ group, at, ...readFault(lines, place, at) });
    lines = [];
  }
  return mutants;
}

function readFault([fault, from = '', ...edit]: readonly string[], place: string, at: string) {
  const error = (what: string) => new Error(`${at}: "${fault}" ${what}.`);
  if (!place) throw error('stands before the first [place]: write one above it, with an empty line between');
  const [file, named, ...words] = from.split(' | ');
  const lane = lanes.find((name) => name === named);
  if (!lane || words.length === 0)
    throw error(`goes on with "${from}", not with FILE | LANE | WORDS, a lane of ${lanes.join(', ')}`);
  const odd = edit.find((line) => !/^[-+]( |$)/.test(line));
  if (odd)
    throw error(`has "${odd}", which begins neither with "- " nor with "+ ": an empty line ends a fault`);
  const side = (sign: string) => edit.filter((line) => line[0] === sign).map((line) => line.slice(2));
  const text = side('-').join('\n');
  if (!text) throw error('has no text to change: write it behind "- "');
  return { name: `${place}: ${fault}`, file, text, becomes: side('+').join('\n'), caughtBy: { lane, words } };
}

export const all: readonly Mutant[] = groups.flatMap((group) =>
  readList(group, readFileSync(new URL(`${group}.txt`, import.meta.url), 'utf8')),
);

/** The file in `folder` with the fault in it. Throws where the edit fits no more, so that it is put right or taken out. */
export function mutated(
  folder: URL,
  { file, text, becomes }: Pick<Mutant, 'file' | 'text' | 'becomes'>,
): string {
  const parts = readFileSync(new URL(file, folder), 'utf8').split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`);
  return parts.join(becomes);
}
