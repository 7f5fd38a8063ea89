/** In Node. The last line of the output is the result; the program ends by itself. */
import { createEngine } from 'webgpu-diffusion';
import { installWebGPU } from 'webgpu-diffusion/node';
import { use } from './use.js';

await installWebGPU();
console.log(JSON.stringify(await use(await createEngine())));
