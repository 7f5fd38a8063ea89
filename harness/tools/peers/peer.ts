/** The interface of a library in the comparison. */
import type { Images, Workload } from './workload';

export interface Peer {
  /** The renderer that the library reports, if it is not a WebGPU adapter. */
  readonly renderer?: string;
  /** Uploads the batch and trains on it; resolves to the loss once the loss is read back and the weights are updated. */
  step(batch: Images): Promise<number>;
  /** Uploads a batch without its target, runs the network, and reads its whole output back. */
  predict(batch: Images): Promise<ArrayLike<number>>;
  /** Restores the initial weights. */
  restoreWeights(): Promise<void>;
}

/** Requests a device and uploads the initial weights, for batches of `count` images. Default: the tutorial's workload. */
export type CreatePeer = (count: number, workload?: Workload) => Promise<Peer>;
