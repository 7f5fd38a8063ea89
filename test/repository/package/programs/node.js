/** In Node, and in Deno, which has navigator.gpu. The last line of the output is the result; the program ends by itself. */
import { createEngine } from 'webgpu-diffusion';
import { use } from './use.js';

if (!globalThis.navigator?.gpu) await (await import('webgpu-diffusion/node')).installWebGPU();
console.log(JSON.stringify(await use(await createEngine())));
