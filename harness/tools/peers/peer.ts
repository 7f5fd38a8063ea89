/** What the comparison asks of a library. */
import type { Images, Workload } from './workload';

export interface Peer {
  /** Where that is not a WebGPU adapter: what the library says it runs on. */
  readonly renderer?: string;
  /** Uploads the batch and trains on it; resolves to the loss when that is read back and the weights are updated too. */
  step(batch: Images): Promise<number>;
  /** Uploads a batch without what the network is to make of it, runs the network, reads its whole output back. */
  predict(batch: Images): Promise<ArrayLike<number>>;
  /** Back to the weights it began with. */
  restoreWeights(): Promise<void>;
}

/** Asks for a device and brings the initial weights there, for batches of `count` images. Default: the tutorial's workload. */
export type CreatePeer = (count: number, workload?: Workload) => Promise<Peer>;

export const peerNames = ['jax-js', 'tfjs-webgpu', 'tfjs-webgl'] as const;
export type PeerName = (typeof peerNames)[number];

/** Loading the code is no part of what is timed. A library loads only when it is asked for. */
export const loadPeer: Readonly<Record<PeerName, () => Promise<CreatePeer>>> = {
  'jax-js': async () => (await import('./jax')).createJax,
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).loadTfjs('webgpu'),
  'tfjs-webgl': async () => (await import('./tfjs.mjs')).loadTfjs('webgl'),
};
