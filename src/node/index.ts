/** WebGPU in Node. */
import { nodeGpu } from './dawn';

/**
 * Installs `navigator.gpu` and WebGPU's globals in Node, from the npm package `webgpu` (Dawn), which must be installed beside this one. Does nothing if `navigator.gpu` exists. Returns `navigator.gpu`.
 *
 * @throws EngineError `no-webgpu` if the package is not installed, or does not load on this machine
 */
export async function installWebGPU(): Promise<GPU> {
  const gpu = await nodeGpu();
  if (!navigator.gpu) Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  return gpu;
}
