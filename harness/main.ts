/** The command line: `webgpu-diffusion <command> …`. Every command is a file in commands/. */

import { version } from '../package.json';
import { EngineError } from '../src/errors';
import { type Command, helpOf, readFlags, show, UsageError } from './args';
import { paint } from './colours';

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
  /** What it prints needs no GPU. */
  readonly pure?: true;
}

/** Each is loaded only when it is asked for: the bench brings every kernel's reference, training needs none. */
const commands: Readonly<Record<string, Entry>> = {
  train: {
    summary: 'Trains a UNet; writes its loss curve, its pictures, the model and a checkpoint.',
    load: async () => (await import('./commands/train')).train,
  },
  sample: {
    summary: 'Makes images from noise with a trained model.',
    load: async () => (await import('./commands/sample')).sample,
  },
  evaluate: {
    summary: 'Measures the digits that a trained model makes, beside real ones.',
    load: async () => (await import('./commands/evaluate')).evaluate,
  },
  bench: {
    summary: 'Times the whole network, then every kernel, each checked first.',
    load: async () => (await import('./commands/bench')).bench,
  },
  check: {
    summary: 'Checks every kernel against its reference on this machine.',
    load: async () => (await import('./commands/check')).check,
  },
  explain: {
    summary: 'Prints the layers of a network and every dispatch of a training step. Needs no GPU.',
    load: async () => (await import('./commands/explain')).explain,
    pure: true,
  },
  adapters: {
    summary: 'Shows the GPU adapters and browsers of this machine, and what is missing.',
    load: async () => (await import('./commands/adapters')).adapters,
  },
};

const commandWidth = Math.max(...Object.keys(commands).map((name) => name.length));
const overview = () => `webgpu-diffusion <command> [flags]

A diffusion UNet that trains and samples in hand-written WGSL.

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${paint('bold', name.padEnd(commandWidth))}  ${summary}`)
  .join('\n')}

webgpu-diffusion <command> --help explains the flags of each; --version prints which one this is.`;

const asksFor = (args: readonly string[], ...flags: string[]) => args.some((arg) => flags.includes(arg));

/** Whether the command in `args` reaches for a GPU, unless it is given wrongly. */
export function usesDawn([name = '', ...rest]: readonly string[]): boolean {
  return Object.hasOwn(commands, name) && !commands[name].pure && !asksFor(rest, '--help', '-h');
}

/** `npm run` passes a Ctrl-C of the terminal on once more: what comes so soon after the first is not a second one. */
const ECHO_MS = 500;

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
  if (!Object.hasOwn(commands, name)) {
    return complain(`There is no command ${show(name)}; there are ${Object.keys(commands).join(', ')}.`, 2);
  }
  const command = await commands[name].load();
  const stop = new AbortController();
  const release = onInterrupt((exitCode) => stop.abort(new Interrupted(exitCode)));
  try {
    const given = readFlags(command, rest);
    if ('help' in given) {
      console.log(helpOf(command));
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

/** The reason of the abort that a Ctrl-C causes. */
class Interrupted extends Error {
  override readonly name = 'AbortError';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/** Calls `stop` at the first Ctrl-C (or SIGTERM); a second one ends the process at once. */
function onInterrupt(stop: (exitCode: number) => void): () => void {
  let first = 0;
  const handler = (_: NodeJS.Signals, signal: number) => {
    const exitCode = 128 + signal;
    if (first === 0) {
      first = performance.now();
      stop(exitCode);
    } else if (performance.now() - first > ECHO_MS) process.exit(exitCode);
  };
  process.on('SIGINT', handler).on('SIGTERM', handler);
  return () => process.off('SIGINT', handler).off('SIGTERM', handler);
}

function complain(message: string, exitCode: number): number {
  console.error(message);
  return exitCode;
}
