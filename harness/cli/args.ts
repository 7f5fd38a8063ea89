/**
 * Flags of the command line, declared once for parsing, checking and --help. Node's parseArgs parses them. The rest is hand-written:
 * libraries for it neither know ranges nor say which values are legal, and each would be larger than this file.
 */
import { parseArgs } from 'node:util';
import { clip, printable, show } from '../../src/base/errors';

export { show };

/** A mistake in the command line. The message is one line: what was given, what is legal and what to do. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(message: string) {
    super(printable(message, 4000));
  }
}

/** A flag that takes a value, or a switch (`value` absent). */
export interface Flag<T> {
  /** The name of the value in --help. */
  readonly value?: string;
  readonly help: string;
  /** `name` is the flag's name, for messages. Throws UsageError. */
  readonly parse: (text: string, name: string) => T;
  /** It may be given more than once: the lists that `parse` returns are joined. */
  readonly many?: true;
}

type Flags = Readonly<Record<string, Flag<unknown>>>;
/** The flags that were given, without defaults. */
export type Given<F extends Flags> = { readonly [K in keyof F]?: F[K] extends Flag<infer T> ? T : never };

export interface Command<F extends Flags = Flags> {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** The arguments after the name in the usage line. */
  readonly usage: string;
  readonly flags: F;
  /** More lines for --help. */
  readonly notes?: string;
  readonly run: (given: Given<F>, context: Context) => Promise<number>;
}

export interface Context {
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Checks the types of a command against its own flags, then erases them, so that all commands have one type. */
export const defineCommand = <F extends Flags>(command: Command<F>): Command => command as unknown as Command;

// ---------------------------------------------------------------- kinds of flags

export const text = (value: string, help: string): Flag<string> => ({
  value,
  help,
  parse: (given, name) => {
    if (given === '') throw new UsageError(`--${name} is empty; give it a ${value}.`);
    return given;
  },
});

/** May be given more than once. */
export const textList = (value: string, help: string): Flag<readonly string[]> => {
  const { parse } = text(value, '');
  return { value, help, many: true, parse: (given, name) => [parse(given, name)] };
};

export const toggle = (help: string): Flag<true> => ({ help, parse: () => true });

/** The whole number that a text is; NaN for any other text. */
export const wholeIn = (text: string) => (/^\s*\+?\d+\s*$/.test(text) ? Number(text) : Number.NaN);
/** The number that a text is; NaN for any other text. */
export const numberIn = (text: string) => (text.trim() === '' ? Number.NaN : Number(text));

const numeric =
  (kind: string, read: (text: string) => number) =>
  (value: string, help: string, min: number, max: number): Flag<number> => ({
    value,
    help,
    parse: (given, name) => {
      const n = read(given);
      if (n >= min && n <= max) return n;
      throw new UsageError(`--${name} is ${show(given)}; it must be ${kind} from ${min} to ${max}.`);
    },
  });
export const integer = numeric('a whole number', wholeIn);
export const number = numeric('a number', numberIn);

export const integers = (value: string, help: string, min: number, max: number): Flag<number[]> => ({
  value,
  help,
  parse: (given, name) => {
    const list = given.split(',').map(wholeIn);
    if (!list.every((n) => n >= min && n <= max)) {
      throw new UsageError(
        `--${name} is ${show(given)}; it must be whole numbers from ${min} to ${max} with commas between, such as ${value}.`,
      );
    }
    return list;
  },
});

/** `a`, `a or b`, `a, b or c`. */
const listWithOr = (items: readonly string[]) => items.join(', ').replace(/, (?=[^,]*$)/, ' or ');

export const oneOf = <T extends string>(help: string, ...legal: readonly T[]): Flag<T> => ({
  value: legal.join('|'),
  help,
  parse: (given, name) => {
    const found = legal.find((item) => item === given);
    if (!found) throw new UsageError(`--${name} is ${show(given)}; it must be ${listWithOr(legal)}.`);
    return found;
  },
});

// ---------------------------------------------------------------- reading

/** Parses and checks the flags in `args`; returns `help` if that is requested. Throws UsageError. */
export function readFlags<F extends Flags>(
  { name, flags }: Pick<Command<F>, 'name' | 'flags'>,
  args: readonly string[],
): Given<F> | { readonly help: true } {
  if (args.includes('--help') || args.includes('-h')) return { help: true };
  const options = Object.fromEntries(
    Object.entries(flags).map(([flag, { value }]) => [
      flag,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  // Not strict, because the messages of `parseArgs` do not say what is legal.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const legal = Object.keys(flags).map((flag) => `--${flag}`);
  const given: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      throw new UsageError(
        // Without the --, npm consumes the flags itself and passes on only their values.
        `${name} takes flags only, but was given ${show(token.value)}. With npm run, put -- before the flags. See ${name} --help.`,
      );
    }
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (!flag) {
      const meant = nearest(token.name, Object.keys(flags));
      const all = legal.length > 0 ? `it has ${legal.join(', ')}.` : 'it has none.';
      const known = meant === undefined ? all : `did you mean --${meant}?`;
      throw new UsageError(`${name} has no flag ${clip(token.rawName)}; ${known} See ${name} --help.`);
    }
    if (flag.value === undefined) {
      if (token.value !== undefined)
        throw new UsageError(`--${token.name} takes no value; it was given ${show(token.value)}.`);
      given[token.name] = true;
      continue;
    }
    // A value that begins with -- is taken for the next flag, unless it was written with =.
    if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageError(`--${token.name} lacks its value: --${token.name} ${flag.value}.`);
    }
    const value = flag.parse(token.value, token.name);
    given[token.name] = flag.many
      ? [...((given[token.name] ?? []) as unknown[]), ...(value as unknown[])]
      : value;
  }
  return given as Given<F>;
}

/** Closest name within two edits, at most half of the letters. */
function nearest(given: string, names: readonly string[]): string | undefined {
  const most = Math.min(2, given.length / 2);
  const [first] = names
    .map((name) => ({ name, slips: slipsBetween(given, name) }))
    .filter(({ slips }) => slips <= most)
    .sort((a, b) => a.slips - b.slips);
  return first?.name;
}

/** Letters to insert, remove or replace to make one of the other: Levenshtein's distance. */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++)
      row.push(Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + Number(a[i - 1] !== b[j - 1])));
    above = row;
  }
  return above[b.length];
}

export function helpText(command: Command): string {
  const rows = Object.entries(command.flags).map(
    ([flag, { value, help }]) => [`--${flag}${value === undefined ? '' : ` ${value}`}`, help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length), 8);
  const line = (left: string, right: string) =>
    `  ${left.padEnd(width)}  ${right.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`;
  return [
    `webgpu-diffusion ${command.name} ${command.usage}`.trimEnd(),
    '',
    command.summary,
    '',
    ...rows.map(([left, help]) => line(left, help)),
    line('--help', 'this'),
    ...(command.notes ? ['', command.notes] : []),
  ].join('\n');
}

/** A word as it is typed: shells take spaces and their own signs as they are only in quotes. */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // Double quotes mean the same to both shells of Windows, where no path has one in it.
  return process.platform === 'win32' ? `"${word}"` : `'${word.replaceAll("'", "'\\''")}'`;
}
