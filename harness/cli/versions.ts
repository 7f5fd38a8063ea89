/** The versions that ran: for run.json and the bench's JSON. */

import { version } from '../../package.json';
import { dawnVersion } from '../../src/node/dawn';

export function versions(): Record<string, string> {
  return { 'webgpu-diffusion': version, node: process.version, webgpu: dawnVersion() };
}
