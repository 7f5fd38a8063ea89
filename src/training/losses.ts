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
  /** Of the gradients of all parameters together, before clipping. */
  readonly gradientNorm: number;
  /** 0, or why there was no update: see finish_step. */
  readonly cause: number;
}

/** Floats of a record: see finish_step. */
const RECORD = 4;

/** What the GPU knew of its last steps. */
export class Losses {
  /** Completed steps, with those that were skipped. */
  readonly step: number;
  /** Of the step after them, if it is not finite and there is no other before the host has said so. */
  readonly refused: StepRecord | undefined;
  private readonly ring: Float32Array;

  constructor([state, ring]: readonly ArrayBuffer[], mostSkipped: number) {
    const words = new Uint32Array(state);
    this.step = words[STATE.step];
    this.ring = new Float32Array(ring);
    if (words[STATE.skipped] > mostSkipped) this.refused = this.record(LOSS_RING);
  }

  /** Of the last `count` steps, oldest first; at most LOSS_RING, and no more than there were. NaN for those that were skipped. */
  last(count: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.records(count), ({ loss, cause }) => (cause === 0 ? loss : Number.NaN));
  }

  /** The same, and what else is known of them. */
  records(count: number): StepRecord[] {
    return Array.from({ length: count }, (_, i) => this.record((this.step - count + i) % LOSS_RING));
  }

  private record(row: number): StepRecord {
    const [loss, learningRate, gradientNorm, cause] = this.ring.subarray(row * RECORD, (row + 1) * RECORD);
    return { loss, learningRate, gradientNorm, cause };
  }
}

/** Brings the step count and the ring of records from the GPU to the host, without stalling either. */
export class LossReader {
  private readonly gpu: Gpu;
  private readonly state: GPUBuffer;
  private readonly ring: GPUBuffer;
  private readonly mostSkipped: number;
  private readonly staging: Staging;
  private readonly inTurn = createMutex();

  private constructor(gpu: Gpu, state: GPUBuffer, ring: GPUBuffer, mostSkipped: number, staging: Staging) {
    this.gpu = gpu;
    this.state = state;
    this.ring = ring;
    this.mostSkipped = mostSkipped;
    this.staging = staging;
  }

  /** `mostSkipped`: steps in a row that may be not finite. */
  static async create(gpu: Gpu, state: GPUBuffer, ring: GPUBuffer, mostSkipped: number): Promise<LossReader> {
    // Two submissions of a fit, and a read beside them.
    const staging = await Staging.create(gpu, 'trainer losses', state.size + ring.size, 3);
    return new LossReader(gpu, state, ring, mostSkipped, staging);
  }

  /** Submits `encoder`, by default an empty one, and resolves to what is known when it is done. Two at the same time at most. */
  async submit(encoder?: GPUCommandEncoder, work = 0): Promise<Losses> {
    const sources = [this.state, this.ring].map((buffer) => ({ buffer, bytes: buffer.size }));
    encoder ??= this.gpu.device.createCommandEncoder({ label: 'read losses' });
    return new Losses(await this.staging.read(encoder, sources, work), this.mostSkipped);
  }

  /** What is known now, or soon: any number at the same time, beside those of `submit`. */
  read(): Promise<Losses> {
    return this.inTurn(() => this.submit());
  }

  destroy(): void {
    this.staging.destroy();
  }
}
