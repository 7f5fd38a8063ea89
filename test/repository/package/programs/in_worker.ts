/** A worker, with the types of workers alone. */
import { loadDigits } from 'webgpu-diffusion/digits';
import { serve } from 'webgpu-diffusion/worker';

serve(globalThis, { images: loadDigits, store: false });
