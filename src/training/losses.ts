import type { Gpu } from '../gpu/gpu';
import { Staging } from '../gpu/staging';
import { createMutex } from '../mutex';
import { STATE } from '../plan/step_state';
import { LOSS_RING } from './settings';

/** What the GPU noted of a step. */
export interface StepRecord {
  /** Over the step's batch, before its update. */
  readonly loss: number;
  /** That the update used, by the schedule; a float of 32 bits. */
  readonly learningRate: number;
  /** Of the gradients of all parameters together, before clipping; 0 where nothing is clipped. */
  readonly gradientNorm: number;
}

/** Floats of a record: see mse_finish and gradient_norm_finish. */
const RECORD = 4;

/** What the GPU knew of its last steps. */
export class Losses {
  /** Completed steps. */
  readonly step: number;
  private readonly ring: Float32Array;

  constructor([step, ring]: readonly ArrayBuffer[]) {
    [this.step] = new Uint32Array(step);
    this.ring = new Float32Array(ring);
  }

  /** Of the last `count` steps, oldest first; at most LOSS_RING, and no more than there were. */
  last(count: number): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, (_, i) => this.ring[this.at(count - i)]);
  }

  /** The same, and what else is known of them. */
  records(count: number): StepRecord[] {
    return Array.from({ length: count }, (_, i) => {
      const at = this.at(count - i);
      const [loss, learningRate, gradientNorm] = this.ring.subarray(at, at + RECORD);
      return { loss, learningRate, gradientNorm };
    });
  }

  /** Where the record of a step starts, by how many steps ago it was completed: 1 for the last one. */
  private at(ago: number): number {
    return ((this.step - ago) % LOSS_RING) * RECORD;
  }
}

/** Brings the step count and the ring of records from the GPU to the host, without stalling either. */
export class LossReader {
  private readonly gpu: Gpu;
  private readonly state: GPUBuffer;
  private readonly ring: GPUBuffer;
  private readonly staging: Staging;
  private readonly inTurn = createMutex();

  private constructor(gpu: Gpu, state: GPUBuffer, ring: GPUBuffer, staging: Staging) {
    this.gpu = gpu;
    this.state = state;
    this.ring = ring;
    this.staging = staging;
  }

  static async create(gpu: Gpu, state: GPUBuffer, ring: GPUBuffer): Promise<LossReader> {
    // Two submissions of a fit, and a read beside them.
    const staging = await Staging.create(gpu, 'trainer losses', 4 + LOSS_RING * RECORD * 4, 3);
    return new LossReader(gpu, state, ring, staging);
  }

  /** Submits `encoder`, by default an empty one, and resolves to what is known when it is done. Two at the same time at most. */
  async submit(encoder?: GPUCommandEncoder, work = 0): Promise<Losses> {
    const sources = [
      { buffer: this.state, offset: STATE.step * 4, bytes: 4 },
      { buffer: this.ring, bytes: LOSS_RING * RECORD * 4 },
    ];
    encoder ??= this.gpu.device.createCommandEncoder({ label: 'read losses' });
    return new Losses(await this.staging.read(encoder, sources, work));
  }

  /** What is known now, or soon: any number at the same time, beside those of `submit`. */
  read(): Promise<Losses> {
    return this.inTurn(() => this.submit());
  }

  destroy(): void {
    this.staging.destroy();
  }
}
