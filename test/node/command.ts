/** The command line in the process of the tests: started as a user does, it takes two processes, each a second or more. */
import { vi } from 'vitest';
import { main } from '../../harness/cli/main';

/** Its exit code, and what it says. */
export async function runHere(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const spies = [
    ...(['log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...text) => {
        output += `${text.join(' ')}\n`;
      }),
    ),
    // Of these, Node's console would make use, but vitest's does not.
    ...[process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        output += text;
        return true;
      }),
    ),
  ];
  try {
    return { code: await main(args), output };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
