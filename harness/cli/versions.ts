/** The versions that ran: for run.json and the bench's JSON. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { version } from '../../package.json';

export function versions(): Record<string, string> {
  return { 'webgpu-diffusion': version, node: process.version, webgpu: dawnVersion() };
}

/** The version of the npm package; its package.json is not among its exports. */
function dawnVersion(): string {
  try {
    const main = createRequire(import.meta.url).resolve('webgpu');
    return JSON.parse(readFileSync(join(dirname(main), 'package.json'), 'utf8')).version;
  } catch {
    return 'not the npm package';
  }
}
