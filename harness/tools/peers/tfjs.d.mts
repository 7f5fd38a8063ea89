import type { CreateConvolution } from './convolutions';
import type { CreatePeer } from './peer';

/** Loads TensorFlow.js with one of its backends. */
export function loadTfjs(backend: 'webgpu' | 'webgl'): Promise<CreatePeer>;

/** The same, for convolutions by themselves. */
export function loadTfjsConvolution(backend: 'webgpu' | 'webgl'): Promise<CreateConvolution>;
