/** What tests of the command line share: folders in which they write, processes of their own, small files. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty folder until the end of the test, or as long as `after` says: vitest's `afterAll`, for one. */
export function temporaryFolder(after: (remove: () => void) => void = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs Node in a folder: its exit code, and what it prints. */
export const runNode = (cwd: string, ...args: readonly string[]) =>
  new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = execFile(process.execPath, args, { cwd }, (_, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });

/** An IDX file of bytes: fewer than 65,536 along each side. */
export const idxFile = (sizes: readonly number[], values: Iterable<number>) =>
  Uint8Array.from([0, 0, 8, sizes.length, ...sizes.flatMap((n) => [0, 0, n >> 8, n]), ...values]);
