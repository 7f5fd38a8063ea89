/** In Deno, which has navigator.gpu. The last line of the output is the result. */
import { createEngine } from 'webgpu-diffusion';
import { use } from './use.js';

console.log(JSON.stringify(await use(await createEngine())));
