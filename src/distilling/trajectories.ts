/** The teacher's trajectories from noise to images, on the GPU, and batches of pieces of them. */

import { STREAM, threefry, uniform } from '../base/random';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { flowStep } from '../kernels/flow_step';
import { op } from '../plan/op';
import { SAMPLING_STEP, SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import { padBatch, tensor } from '../plan/tensor';
import { encodeX } from '../sampling/recording';
import type { Sampler } from '../sampling/sampler';
import type { Batch } from '../training/batch';
import type { UNetConfig } from '../unet/config';
import { type DistillerConfig, TEACHER_STEPS } from './options';

interface Buffers {
  /** x at the beginning and end of the student's calls: [calls + 1][noises][height][width][channels]. */
  readonly states: GPUBuffer;
  /** A batch: x at the beginning of a call, at its end, and the velocity in between. */
  readonly noisy: GPUBuffer;
  readonly next: GPUBuffer;
  readonly target: GPUBuffer;
  /** The other inputs of `flow_step`: a copy of `noisy`, and `targetStep`. */
  readonly velocity: GPUBuffer;
  readonly step: GPUBuffer;
}

export class Trajectories {
  private readonly gpu: Gpu;
  private readonly settings: DistillerConfig;
  private readonly classes: number;
  private readonly imageBytes: number;
  private readonly buffers: Buffers;
  private readonly toTarget: Program;

  private constructor(
    gpu: Gpu,
    config: UNetConfig,
    settings: DistillerConfig,
    buffers: Buffers,
    toTarget: Program,
  ) {
    this.gpu = gpu;
    this.settings = settings;
    this.classes = config.conditioning!.classes;
    this.imageBytes = imageLength(config) * 4;
    this.buffers = buffers;
    this.toTarget = toTarget;
  }

  static async create(gpu: Gpu, config: UNetConfig, settings: DistillerConfig): Promise<Trajectories> {
    const { calls, noises } = settings;
    const shape = { elements: imageLength(config), batch: padBatch(settings.batchSize), guided: false };
    const images = (label: string) => tensor(label, shape.elements * shape.batch);
    const noisy = images('noisy');
    const next = images('next');
    const target = images('target');
    const velocity = images('velocity');
    const step = tensor('step', SAMPLING_STEP_WORDS);
    const tensors = [noisy, next, target, velocity, step];
    for (const { label, size } of tensors) gpu.checkBufferSize(`distiller: ${label}`, size * 4);
    const created = await createTensorBuffers(gpu, 'distiller ', tensors);
    const held = [...created.values()];
    try {
      const [states] = await gpu.createBuffers([
        {
          label: 'distiller trajectories',
          bytes: (calls + 1) * noises * shape.elements * 4,
          usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        },
      ]);
      held.push(states);
      await gpu.write(created.get(step)!, 0, targetStep(calls));
      const ops = [op(flowStep, 'target', shape, { step, prediction: next, velocity, x: target })];
      const toTarget = await Program.compile(gpu, 'target', ops, created);
      const buffers = {
        states,
        noisy: created.get(noisy)!,
        next: created.get(next)!,
        target: created.get(target)!,
        velocity: created.get(velocity)!,
        step: created.get(step)!,
      };
      return new Trajectories(gpu, config, settings, buffers, toTarget);
    } catch (error) {
      for (const buffer of held) buffer.destroy();
      throw error;
    }
  }

  get bytes(): number {
    return Object.values<GPUBuffer>({ ...this.buffers }).reduce(
      (sum, b) => sum + b.size,
      this.toTarget.bytes,
    );
  }

  /** Computes all trajectories; yields the number of finished ones between two steps of the teacher. */
  async *follow(teacher: Sampler, signal: AbortSignal | undefined): AsyncGenerator<number, void, undefined> {
    const { noises, calls, seed, guidance } = this.settings;
    for (let first = 0; first < noises; first += teacher.count) {
      const count = Math.min(teacher.count, noises - first);
      const run = teacher.walk({
        method: 'euler',
        steps: TEACHER_STEPS,
        guidance,
        polish: false,
        signal,
        seed: threefry(seed, STREAM.distil, first, 0)[0],
        labels: this.labelsOf(Array.from({ length: teacher.count }, (_, i) => first + i)),
      });
      let step = 0;
      for await (const { plan } of run) {
        const call = (step / TEACHER_STEPS) * calls;
        if (Number.isInteger(call)) {
          const encoder = this.gpu.device.createCommandEncoder({ label: 'trajectories' });
          encodeX(encoder, plan, this.placeOf(call, first, count));
          await this.gpu.submit(encoder);
        }
        yield first + Math.floor((count * step) / TEACHER_STEPS);
        step++;
      }
    }
    yield noises;
  }

  /** The batch of a step, from 0: pieces by the seed, each from the beginning of a call to its end. */
  async batchOf(step: number): Promise<Batch> {
    const { calls, noises, seed, batchSize } = this.settings;
    const { noisy, next, target, velocity } = this.buffers;
    const encoder = this.gpu.device.createCommandEncoder({ label: 'batch of trajectories' });
    const copy = (call: number, noise: number, to: GPUBuffer, n: number) => {
      const { buffer, offset, bytes } = this.placeOf(call, noise, 1);
      encoder.copyBufferToBuffer(buffer, offset, to, n * bytes, bytes);
    };
    const pieces = Array.from({ length: batchSize }, (_, n) => {
      const [a, b] = threefry(seed, STREAM.distil, step, n + 1).map(uniform);
      return { noise: Math.floor(a * noises), call: Math.floor(b * calls) };
    });
    pieces.forEach(({ noise, call }, n) => {
      copy(call, noise, noisy, n);
      copy(call + 1, noise, next, n);
    });
    encoder.copyBufferToBuffer(noisy, 0, velocity, 0, noisy.size);
    encoder.clearBuffer(target);
    computePass(encoder, 'target', (pass) => this.toTarget.encode(pass));
    await this.gpu.submit(encoder);
    const levels = Float32Array.from(pieces, ({ call }) => 1 - call / calls);
    return {
      noisy,
      target,
      levels,
      labels: this.labelsOf(pieces.map(({ noise }) => noise)),
      count: batchSize,
    };
  }

  destroy(): void {
    this.toTarget.destroy();
    for (const buffer of Object.values<GPUBuffer>({ ...this.buffers })) buffer.destroy();
  }

  /** Each class in turn; undefined for a network without classes. */
  private labelsOf(noises: readonly number[]): number[] | undefined {
    return this.classes === 0 ? undefined : noises.map((noise) => noise % this.classes);
  }

  /** The place of x of `count` noises from `noise` on, at the beginning of a call or the end of the last one. */
  private placeOf(call: number, noise: number, count: number) {
    const { buffers, settings, imageBytes } = this;
    return {
      buffer: buffers.states,
      offset: (call * settings.noises + noise) * imageBytes,
      bytes: count * imageBytes,
    };
  }
}

/**
 * The sampler's step that computes the target, calls * (noisy - next), the velocity from the beginning of a call to its end: from x = 0,
 * `flow_step` moves by -calls along `next` and by calls along `noisy`.
 */
function targetStep(calls: number): Float32Array<ArrayBuffer> {
  const row = new Float32Array(SAMPLING_STEP_WORDS);
  row[SAMPLING_STEP.step] = -calls;
  row[SAMPLING_STEP.correction] = calls;
  return row;
}

const imageLength = ({ height, width, channels }: UNetConfig) => height * width * channels;
