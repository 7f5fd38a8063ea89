/** Loads the npm package `webgpu` (Dawn), an optional peer dependency that brings WebGPU to Node. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { EngineError } from '../base/errors';
import { once } from '../base/load';
import type { VersionedGpu } from '../trust/memory';

/** Made once, and held here: Dawn crashes if the object from `create` is collected while one of its devices lives. */
const dawn = once(async () => {
  // As in Node from version 21 on. It has the number of cores, from which follows how many pipelines may compile at once.
  if (!globalThis.navigator) {
    const [major] = process.versions.node.split('.');
    const value = { userAgent: `Node.js/${major}`, hardwareConcurrency: availableParallelism() };
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
  }
  const { create, globals } = await loadDawn();
  Object.assign(globalThis, globals);
  // Dawn rounds timestamps to protect web users' privacy; Node needs no such protection.
  const created: VersionedGpu = create(['disable-dawn-features=timestamp_quantization']);
  created.runtimeVersion = `webgpu ${dawnVersion()}`;
  return created;
});

/**
 * Returns the runtime's own navigator.gpu if it has one, else Dawn's, after installing its globals, and a `navigator` where there is none.
 * Throws EngineError `no-webgpu`.
 */
export async function nodeGpu(): Promise<GPU> {
  return (globalThis.navigator as Navigator | undefined)?.gpu ?? dawn();
}

/** The version of the npm package, whose package.json is not among its exports. */
export function dawnVersion(): string {
  try {
    const main = createRequire(import.meta.url).resolve('webgpu');
    return JSON.parse(readFileSync(join(dirname(main), 'package.json'), 'utf8')).version;
  } catch {
    return 'not the npm package';
  }
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const absent = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    throw new EngineError(
      'no-webgpu',
      absent
        ? 'Node has no WebGPU of its own, and the npm package that brings it is not installed. Run: npm install webgpu'
        : `The npm package webgpu, which brings WebGPU to Node, does not load on this machine: ${message}`,
      { cause },
    );
  }
}
