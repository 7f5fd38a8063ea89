/** What tests take from the system: folders in which they write, and processes of their own. */
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
