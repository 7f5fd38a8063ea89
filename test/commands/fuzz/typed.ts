/** What may be typed behind a command. */
import fc from 'fast-check';
import { type Command, readFlags, UsageError } from '../../../harness/cli/args';
import { told } from './formats';
import { hostileText } from './hostile';

const modules = import.meta.glob<Record<string, Command>>('../../../harness/cli/commands/*.ts', {
  eager: true,
});
/** The commands that have flags. */
export const commands = Object.entries(modules)
  .map(([path, module]) => module[/(\w+)\.ts$/.exec(path)![1]])
  .filter(({ flags }) => Object.keys(flags).length > 0);

const value = fc.oneof(
  hostileText,
  fc.constantFrom(...'0 1 -1 1e9 8 8,8 4,,8 NaN cosine cosine,warmup=2 constant,warmup=x'.split(' ')),
  fc.constantFrom(
    ...'digits tutorial mnist none a=b=c conv2d/down.0=direct conv2d/nope=direct -- -'.split(' '),
  ),
  fc.integer().map(String),
  fc.double().map(String),
);

/** Plausible values of the flags that take no whole number. */
const plausible: Readonly<Record<string, readonly string[]>> = {
  schedule: ['cosine', 'constant', 'cosine,warmup=2', 'cosine,floor=2', 'linear'],
  widths: ['8', '8,8', '4,8,8,8,8,8'],
  recipe: ['digits', 'tutorial'],
  variants: ['conv2d/down.0=direct', 'conv2d/nope=direct', 'package.json', '/none'],
  resume: ['/none', 'src', 'package.json'],
  method: ['mix', 'euler', 'heun'],
};

/** What might be typed behind `command`: its flags, others, and their values. */
export const typed = ({ flags }: Command) => {
  const flag = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...Object.keys(flags), 'help') },
    hostileText,
  );
  const right = fc
    .constantFrom(...Object.keys(flags))
    .chain(
      (name): fc.Arbitrary<string[]> =>
        flags[name].value === undefined
          ? fc.constant([`--${name}`])
          : fc.constantFrom(...(plausible[name] ?? ['1', '3', '8'])).map((text) => [`--${name}`, text]),
    );
  const word: fc.Arbitrary<string[]> = fc.oneof(
    { weight: 12, arbitrary: right },
    flag.map((name) => [`--${name}`]),
    fc.tuple(flag, value).map(([name, text]) => [`--${name}`, text]),
    fc.tuple(flag, value).map(([name, text]) => [`--${name}=${text}`]),
    value.map((text) => [text]),
  );
  // A zero byte cannot be typed, and Node takes none.
  return fc
    .array(word, { maxLength: 6 })
    .map((words) => words.flat().map((text) => text.replaceAll('\0', '0')));
};

/** Throws unless the flags are read, or refused in words that people can read. */
export function read(command: Command, args: readonly string[]): 'read' | 'refused' {
  try {
    readFlags(command, args);
    return 'read';
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    told(error.message);
    return 'refused';
  }
}
