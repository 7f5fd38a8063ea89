/** The libraries in the comparison, by name. */
import type { CreatePeer } from './peer';

export const peerNames = ['jax-js', 'tfjs-webgpu', 'tfjs-webgl'] as const;
export type PeerName = (typeof peerNames)[number];

/** Loads a library on demand, so that loading its code is not timed. */
export const loadPeer: Readonly<Record<PeerName, () => Promise<CreatePeer>>> = {
  'jax-js': async () => (await import('./jax')).createJax,
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).loadTfjs('webgpu'),
  'tfjs-webgl': async () => (await import('./tfjs.mjs')).loadTfjs('webgl'),
};
