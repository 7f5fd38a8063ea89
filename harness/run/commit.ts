/** The commit of the sources, for results that are compared long after. */
import { spawnSync } from 'node:child_process';

/**
 * The commit of the clone that `folder` is in, in 40 hexadecimal digits; with `-dirty` if files that are measured differ from it. Undefined
 * without git or a clone.
 */
export function readCommit(folder: string): string | undefined {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  const { status, stdout } = git('rev-parse', 'HEAD');
  if (status !== 0) return undefined;
  const measured = ['src', 'shaders', 'harness'].map((name) => `:/${name}`);
  return stdout.trim() + (git('diff', '--quiet', 'HEAD', '--', ...measured).status === 1 ? '-dirty' : '');
}
