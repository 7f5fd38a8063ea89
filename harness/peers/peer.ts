/** What the comparison asks of a library: the network of test/golden/workload.ts, begun with its weights. */
import { SIDE } from '../../test/golden/workload';

/** [count][28][28] each; with one channel it is the same in NHWC and NCHW. */
export interface Images {
  readonly noisy: Float32Array;
  readonly clean: Float32Array;
}

export interface Peer {
  /** Where that is not a WebGPU adapter: what the library says it runs on. */
  readonly renderer?: string;
  /** Uploads the batch and trains on it; resolves to the loss when that is read back and the weights are updated too. */
  step(batch: Images): Promise<number>;
  /** Uploads images, runs the network, reads its whole output back. */
  predict(noisy: Float32Array): Promise<ArrayLike<number>>;
  /** Back to the weights it began with. */
  restoreWeights(): Promise<void>;
}

/** Asks for a device and brings the initial weights there, for batches of `count` images. */
export type CreatePeer = (count: number) => Promise<Peer>;

export const peerNames = ['jax-js', 'tfjs-webgpu', 'tfjs-webgl'] as const;
export type PeerName = (typeof peerNames)[number];

/** Loading the code is no part of what is timed. A library loads only when it is asked for. */
export const loadPeer: Readonly<Record<PeerName, () => Promise<CreatePeer>>> = {
  'jax-js': async () => (await import('./jax')).createJax,
  'tfjs-webgpu': async () => (await import('./tfjs.mjs')).loadTfjs('webgpu'),
  'tfjs-webgl': async () => (await import('./tfjs.mjs')).loadTfjs('webgl'),
};

export const PIXELS = SIDE * SIDE;
export const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;
