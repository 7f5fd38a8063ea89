import { createMutex } from '../base/mutex';
import type { Gpu } from '../gpu/gpu';
import { type Load, MOST_IN_FLIGHT } from '../gpu/pacer';
import { type Source, Staging } from '../gpu/staging';
import { STATE } from '../plan/step_state';
import { LOSS_RING } from './step_config';

/** The GPU's record of a step. */
export interface StepRecord {
  /** Mean over the step's batch, before its update. */
  readonly loss: number;
  /** The learning rate of the update, by the schedule; a 32-bit float. */
  readonly learningRate: number;
  /** Norm of the gradients of all parameters together, before clipping. */
  readonly gradientNorm: number;
  /** 0, or the reason why there was no update: see finish_step. */
  readonly cause: number;
}

/** Floats per record: see finish_step. */
const RECORD = 4;

/** The GPU's records of its last steps, as read at one moment. */
export class Losses {
  /** Completed steps, including skipped ones. */
  readonly step: number;
  /** The record of the next step, if it was non-finite and the GPU makes no more steps until the host allows it. */
  readonly refused: StepRecord | undefined;
  private readonly ring: Float32Array;

  constructor([state, ring]: readonly ArrayBuffer[], mostSkipped: number) {
    const words = new Uint32Array(state);
    this.step = words[STATE.step];
    this.ring = new Float32Array(ring);
    if (words[STATE.skipped] > mostSkipped) this.refused = this.record(LOSS_RING);
  }

  /** Losses of the last `count` steps, oldest first; at most LOSS_RING, and no more than were made. NaN for skipped steps. */
  last(count: number): Float32Array<ArrayBuffer> {
    return Float32Array.from(this.records(count), ({ loss, cause }) => (cause === 0 ? loss : NaN));
  }

  /** The full records of the same steps. */
  records(count: number): StepRecord[] {
    return Array.from({ length: count }, (_, i) => this.record((this.step - count + i) % LOSS_RING));
  }

  private record(row: number): StepRecord {
    const [loss, learningRate, gradientNorm, cause] = this.ring.subarray(row * RECORD, (row + 1) * RECORD);
    return { loss, learningRate, gradientNorm, cause };
  }
}

/** Reads the step count and the ring of records back to the host, without stalling either side. */
export class LossReader {
  private readonly gpu: Gpu;
  /** The step count, and the ring. */
  private readonly sources: readonly Source[];
  private readonly mostSkipped: number;
  private readonly staging: Staging;
  private readonly exclusively = createMutex();

  private constructor(gpu: Gpu, sources: readonly Source[], mostSkipped: number, staging: Staging) {
    this.gpu = gpu;
    this.sources = sources;
    this.mostSkipped = mostSkipped;
    this.staging = staging;
  }

  /** `mostSkipped`: the number of steps in a row that may be non-finite. */
  static async create(gpu: Gpu, state: GPUBuffer, ring: GPUBuffer, mostSkipped: number): Promise<LossReader> {
    const sources = [state, ring].map((buffer) => ({ buffer, bytes: buffer.size }));
    // For the submissions of a fit, and one for a concurrent `read`.
    const staging = await Staging.create(gpu, 'losses', state.size + ring.size, MOST_IN_FLIGHT + 1);
    return new LossReader(gpu, sources, mostSkipped, staging);
  }

  /** Submits `encoder`, by default an empty one, and resolves to the records once it is done. At most MOST_IN_FLIGHT at the same time. */
  async submit(encoder?: GPUCommandEncoder, load?: Load): Promise<Losses> {
    encoder ??= this.gpu.device.createCommandEncoder({ label: 'losses' });
    return this.of(await this.staging.read(encoder, this.sources, load));
  }

  /** The records in copies of the step state and the ring. */
  of(copies: readonly ArrayBuffer[]): Losses {
    return new Losses(copies, this.mostSkipped);
  }

  /** Reads the current records. Any number of calls at the same time, beside the calls of `submit`. */
  read(): Promise<Losses> {
    return this.exclusively(() => this.submit());
  }

  destroy(): void {
    this.staging.destroy();
  }
}
