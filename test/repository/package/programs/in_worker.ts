/** A worker, with the types of workers alone. */
import { loadDigits } from 'webgpu-diffusion/digits';
import { createSession, expose } from 'webgpu-diffusion/worker';

expose(globalThis, createSession({ images: loadDigits, store: false }));
