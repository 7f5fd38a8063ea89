import type { CreatePeer } from './workload';

/** Loads TensorFlow.js with one of its backends. */
export function loadTfjs(backend: 'webgpu' | 'webgl'): Promise<CreatePeer>;
