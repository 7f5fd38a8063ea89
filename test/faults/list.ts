/**
 * The faults of shaders, formulas and lists of steps that are planted by hand. list.txt has them, each as lines that follow each other:
 *
 *   a fault, in words                     where a line like `[doors]` stands before, a fault of the doors
 *   FILE | LANE | WORDS | WORDS           the file from the root; lane and words of the test that notices, as of `npm test`
 *   - text                                stands in the file exactly once; a text of several lines has several such lines
 *   + what it becomes                     likewise; without such a line, the text goes
 *
 * An empty line ends a fault. A line that begins with # is a comment.
 */
const lanes = ['unit', 'emulate', 'node', 'page'] as const;

export interface Fault {
  /** Its place, then the fault in words. */
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly becomes: string;
  /** The test that notices it: a lane, and words as on the command line of `npm test`. */
  readonly lane: (typeof lanes)[number];
  readonly words: readonly string[];
}

/** The faults of a list; `at` names it in errors. */
export function readList(at: string, list: string): Fault[] {
  const faults: Fault[] = [];
  let place = '';
  for (const block of list.split(/\n{2,}/)) {
    const [name, from = '', ...edit] = block.split('\n').filter((line) => line && !line.startsWith('#'));
    if (!name) continue;
    if (/^\[.+\]$/.test(name)) {
      place = name.slice(1, -1);
      continue;
    }
    const [file, named, ...words] = from.split(' | ');
    const lane = lanes.find((one) => one === named);
    const side = (sign: string) =>
      edit
        .filter((line) => line[0] === sign)
        .map((line) => line.slice(2))
        .join('\n');
    if (!place || !lane || words.length === 0 || !side('-') || edit.some((line) => !/^[-+]( |$)/.test(line)))
      throw new Error(`${at}: "${name}" is not as test/faults/list.ts says.`);
    faults.push({ name: `${place}: ${name}`, file, text: side('-'), becomes: side('+'), lane, words });
  }
  return faults;
}

/** The text of a file with the fault in it. Throws where the edit fits no more, so that it is put right or taken out. */
export function withFault(whole: string, { file, text, becomes }: Fault): string {
  const parts = whole.split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`);
  return parts.join(becomes);
}
