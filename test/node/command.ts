/** The command line in the process and on the device of the tests: as a user starts it, it takes two processes, and compiles everything. */
import { vi } from 'vitest';
import { main } from '../../harness/cli/main';
import { sharedSource } from '../lanes/gpu';

/** Defines it anew: as another test leaves it, it may not be assigned to. */
const give = (gpu: GPU) => Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });

/** Its exit code, and what it says. */
export async function runHere(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const { gpu } = navigator;
  const source = await sharedSource();
  const spies = [
    ...(['log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...text) => {
        output += `${text.join(' ')}\n`;
      }),
    ),
    // Node's console would write to these, but vitest's does not.
    ...[process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        output += text;
        return true;
      }),
    ),
  ];
  give(source);
  try {
    return { code: await main(args), output };
  } finally {
    give(gpu);
    for (const spy of spies) spy.mockRestore();
  }
}
