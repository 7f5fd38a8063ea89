/** Engines in Node. */

import { EngineError } from '../../src/base/errors';
import { createEngine, type Engine, type EngineOptions } from '../../src/engine';
import { nodeGpu } from '../../src/node/dawn';
import { fileCache, tuningFile } from './tuning_cache';

/** An engine on the best available adapter; Dawn lists real GPUs before software ones. Stores its choices in the user's cache. */
export async function nodeEngine(
  options: Pick<EngineOptions, 'tune' | 'variants' | 'selfCheck' | 'onProgress' | 'onWarning'> = {},
): Promise<Engine> {
  const gpu = await nodeGpu();
  try {
    const tuningCache = fileCache(tuningFile(), console.error);
    return await createEngine({ gpu, tuningCache, ...options });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-adapter') throw error;
    throw new EngineError(
      'no-adapter',
      `${error.message} In Node on Linux, Dawn needs a Vulkan driver (Mesa has one in software too: apt-get install mesa-vulkan-drivers libvulkan1). \`adapters\` shows what is there.`,
      { cause: error },
    );
  }
}

/** The text to type for another command, in the repository or where the package is installed. */
export function commandLine(command: string): string {
  const inRepository = process.argv[1]?.endsWith('run.mjs');
  return inRepository ? `npm run ${command} --` : `npx webgpu-diffusion ${command}`;
}
