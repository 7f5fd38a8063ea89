/** WebGPU in Node: the npm package `webgpu` (Dawn), an optional peer dependency. */
import { createEngine, type Engine, type EngineOptions } from '../../src/engine';
import { EngineError } from '../../src/errors';
import { fileCache, tuningFile } from './tuning_cache';
import { versions } from './versions';

/** Dawn crashes if the object that `create` returned is collected while one of its devices lives. */
let kept: GPU | undefined;

/** The runtime's own navigator.gpu if it has one, else Dawn. Throws EngineError `no-webgpu`. */
export async function nodeGpu(): Promise<GPU> {
  const own = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (own) return own;
  if (!kept) {
    const { create, globals } = await loadDawn();
    Object.assign(globalThis, globals);
    // Web pages get rounded timestamps for privacy's sake; here nobody is to be kept from anything.
    kept = create(['disable-dawn-features=timestamp_quantization']);
  }
  return kept;
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

/** An engine on the best adapter there is; Dawn puts real GPUs before software ones. Remembers its choices in the user's cache. */
export async function nodeEngine(
  options: Pick<EngineOptions, 'tune' | 'variants' | 'onProgress'> = {},
): Promise<Engine> {
  const gpu = await nodeGpu();
  try {
    const { node, webgpu } = versions();
    const tuningCache = fileCache(tuningFile(), `node ${node}, webgpu ${webgpu}`, console.error);
    return await createEngine({ gpu, tuningCache, ...options });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-adapter') throw error;
    throw new EngineError(
      'no-adapter',
      'No GPU adapter was found. Update the graphics driver; on Linux, Dawn needs a Vulkan driver (Mesa has one in software too: apt-get install mesa-vulkan-drivers libvulkan1). `adapters` shows what is there.',
      { cause: error },
    );
  }
}

/** What to type for another command, in the repository or where the package is installed. */
export function commandLine(command: string): string {
  const inRepository = process.argv[1]?.endsWith('run.mjs');
  return inRepository ? `npm run ${command} --` : `npx webgpu-diffusion ${command}`;
}
