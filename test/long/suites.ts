/** Promises that tests of the suite try: the figure is what the command says at its end. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Row } from './row';

/** `script` exits with 0, or the row is broken, and its output is in the error. */
const row = (name: string, script: string, ...args: string[]): Row => ({
  name,
  async run() {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { maxBuffer: 1e8 });
    return stdout.trim().split('\n').at(-1)!;
  },
});

export const suites: readonly Row[] = [
  row('kernels that compute wrongly', 'test/run.mjs', '--lane', 'node', 'wrong_kernels'),
  row('no false alarm, in any lane', 'test/run.mjs', 'self_check', 'wrong_kernels'),
  row('NaN and infinity in a batch', 'test/run.mjs', '--lane', 'node', 'finite'),
  row('mutants', 'test/mutants/run.mjs'),
];
