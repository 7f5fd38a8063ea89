/** Other programs, for the tests of the package. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A command that hangs is ended after this time. */
const LIMIT_MS = 10 * 60_000;

/** Runs a program in a folder and gives what it prints; throws what it says if it fails. */
export function shell(folder: string, command: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: folder,
      timeout: LIMIT_MS,
      maxBuffer: 2 ** 28,
      shell: process.platform === 'win32',
    };
    execFile(command, args, options, (error, out, err) => {
      if (!error) return resolve(out);
      const said = `${err}\n${out}`.trim();
      const how = error.killed ? 'did not end in ten minutes' : `ended with ${error.code}`;
      reject(new Error(`${[command, ...args].join(' ')} ${how}:\n${said}`));
    });
  });
}

/** Makes a project of packages, each as `name@version` or a file, without a word to anybody and without running what they bring. */
export async function install(folder: string, ...packages: readonly string[]): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
  await shell(folder, 'npm', 'install', ...flags, ...packages);
}
