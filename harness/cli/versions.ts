/** The versions that ran: for run.json and the bench's JSON. */

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../../package.json';
import { dawnVersion } from '../../src/node/dawn';
import { readCommit } from '../run/commit';

export function versions(): Record<string, string> {
  return { 'webgpu-diffusion': version, node: process.version, webgpu: dawnVersion() };
}

/** The commit that was built, or else the commit of the clone in which this runs. */
export const sourceCommit = (): string | undefined =>
  import.meta.env.COMMIT ?? readCommit(dirname(fileURLToPath(import.meta.url)));
