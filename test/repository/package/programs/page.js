/** In a page, on a device of the page's own. */
import { createEngine } from 'webgpu-diffusion';
import { use } from './use.js';

globalThis.result = main();

async function main() {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const errors = [];
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
  const engine = await createEngine({ device });
  const used = await use(engine);
  engine.destroy();
  return { ...used, errors };
}
