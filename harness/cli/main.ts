/** The command line: `webgpu-diffusion <command> …`. Every command is a file in commands/. */

import { version } from '../../package.json';
import { EngineError, printable } from '../../src/base/errors';
import { wrap } from '../text/units';
import { type Command, helpText, readFlags, show, UsageError } from './args';
import { inColour } from './colours';
import { STOP_SIGNALS } from './quiet';
import { summaries } from './summaries';

/** Each command loads on demand: the bench needs every kernel's reference, training needs none. */
const commands: Readonly<Record<keyof typeof summaries, () => Promise<Command>>> = {
  train: async () => (await import('./commands/train')).train,
  sample: async () => (await import('./commands/sample')).sample,
  distil: async () => (await import('./commands/distil')).distil,
  evaluate: async () => (await import('./commands/evaluate')).evaluate,
  convert: async () => (await import('./commands/convert')).convert,
  bench: async () => (await import('./commands/bench')).bench,
  check: async () => (await import('./commands/check')).check,
  explain: async () => (await import('./commands/explain')).explain,
  adapters: async () => (await import('./commands/adapters')).adapters,
};

const isCommand = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name);

const commandWidth = Math.max(...Object.keys(commands).map((name) => name.length));
const overview = () => `webgpu-diffusion <command> [flags]

A diffusion UNet that trains and samples in hand-written WGSL.

${Object.entries(summaries)
  .map(([name, summary]) => `  ${inColour('bold', name.padEnd(commandWidth))}  ${summary}`)
  .join('\n')}

webgpu-diffusion <command> --help explains the flags of each; --version prints which one this is.`;

/** Whether the command in `args` uses a GPU, unless its flags are wrong. */
export function usesDawn([name = '', ...rest]: readonly string[]): boolean {
  return (
    isCommand(name) &&
    !['explain', 'convert'].includes(name) &&
    !rest.some((arg) => arg === '--help' || arg === '-h')
  );
}

/** `npm run` sends the terminal's Ctrl-C to its child once more: a signal so soon after the first is an echo of it. */
const ECHO_MS = 500;
/** The most characters of a message, including the stack of a bug of ours. */
const MOST_LETTERS = 4000;

/** Runs the command in `args`; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    console.log(overview());
    return name === '' ? 2 : 0;
  }
  if (name === '--version') {
    console.log(version);
    return 0;
  }
  if (!isCommand(name)) {
    return complain(`There is no command ${show(name)}; there are ${Object.keys(commands).join(', ')}.`, 2);
  }
  const command = await commands[name]();
  const stop = new AbortController();
  const release = onInterrupt((exitCode) => stop.abort(new Interrupted(exitCode)));
  try {
    const given = readFlags(command, rest);
    if ('help' in given) {
      console.log(helpText(command));
      return 0;
    }
    return await command.run(given, { signal: stop.signal });
  } catch (error) {
    if (error instanceof Interrupted) return error.exitCode;
    if (error instanceof UsageError) return complain(error.message, 2);
    if (error instanceof EngineError) return complain(error.message, error.code === 'argument' ? 2 : 1);
    return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), 1);
  } finally {
    release();
  }
}

/** The abort reason after a Ctrl-C. */
class Interrupted extends Error {
  override readonly name = 'AbortError';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** Calls `stop` at the first Ctrl-C (or SIGTERM, or SIGHUP); a second one ends the process at once. */
function onInterrupt(stop: (exitCode: number) => void): () => void {
  let first = 0;
  const handler = (_: NodeJS.Signals, signal: number) => {
    const exitCode = 128 + signal;
    if (first === 0) {
      first = performance.now();
      stop(exitCode);
    } else if (performance.now() - first > ECHO_MS) process.exit(exitCode);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, handler);
  };
}

/** Messages may quote a file, or text that was pasted into a terminal. */
function complain(message: string, exitCode: number): number {
  const text = printable(message, MOST_LETTERS);
  const { isTTY, columns } = process.stderr;
  console.error(isTTY ? wrap(text, columns).join('\n') : text);
  return exitCode;
}
