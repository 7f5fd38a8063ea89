import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { STATE } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import { LayerMaps } from '../unet/layer_maps';
import type { NetworkWeights } from '../unet/network';
import type { Variants } from '../unet/variants';
import { type Losses, LossReader } from './losses';
import type { StepSettings } from './settings';
import { planStep, type StepPlan } from './step';

export interface StepProgramsOptions {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly settings: StepSettings;
  readonly variants: Variants;
  /** Whether tensors share memory. */
  readonly reuseMemory: boolean;
  /** Receives the moving average of the weights. */
  readonly average?: NetworkWeights;
}

interface Parts {
  readonly gpu: Gpu;
  readonly plan: StepPlan;
  /** Buffers of the network, and buffers that outlive a step. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** Buffers that this object owns. */
  readonly own: readonly GPUBuffer[];
  /** The numbers 1 … batchSize, so that a recorded step can set its image count with a copy. */
  readonly counts: GPUBuffer;
  readonly losses: LossReader;
  readonly maps: LayerMaps;
  readonly load: Program;
  readonly gradients: Program;
  readonly update: Program;
}

/** The buffers and programs of training steps. */
export class StepPrograms {
  readonly plan: StepPlan;
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly losses: LossReader;
  readonly maps: LayerMaps;
  /** A step on the caller's batch. */
  readonly step: readonly Program[];
  private readonly parts: Parts;
  private readonly gpu: Gpu;

  private constructor(parts: Parts) {
    this.parts = parts;
    this.gpu = parts.gpu;
    this.plan = parts.plan;
    this.boundBuffers = parts.boundBuffers;
    this.losses = parts.losses;
    this.maps = parts.maps;
    this.step = [parts.load, parts.gradients, parts.update];
  }

  static async create(
    gpu: Gpu,
    unet: NetworkWeights,
    { batchSize, learningRate, settings, variants, reuseMemory: reuse, average }: StepProgramsOptions,
  ): Promise<StepPrograms> {
    const plan = planStep(unet.config, unet.plan, batchSize, variants, settings, average?.plan);
    const counts = tensor('counts', batchSize);
    const tensors = [...Object.values<Tensor>({ ...plan.tensors }), counts];
    for (const t of tensors) gpu.checkBufferSize(t.label, t.size * 4);
    const created = await createTensorBuffers(gpu, 'trainer ', tensors);
    const own = [...created.values()];
    const boundBuffers = new Map([...unet.boundBuffers, ...(average?.boundBuffers ?? []), ...created]);
    const { state, losses: records } = plan.tensors;
    let losses: LossReader | undefined;
    let programs: readonly Program[] = [];
    try {
      const numbers = Uint32Array.from({ length: batchSize }, (_, i) => i + 1);
      await gpu.write(created.get(counts)!, 0, numbers);
      const rate = Float32Array.of(learningRate);
      await gpu.write(created.get(state)!, STATE.learningRate * 4, rate);
      const { skipNonFinite = 0 } = settings;
      losses = await LossReader.create(gpu, created.get(state)!, created.get(records)!, skipNonFinite);
      programs = await Program.compileAll([
        Program.compile(gpu, 'load batch', plan.load, boundBuffers),
        Program.compile(gpu, 'training step', plan.gradients, boundBuffers, { reuse }),
        Program.compile(gpu, 'update', plan.update, boundBuffers),
      ]);
      const [load, gradients, update] = programs;
      const batch = { batch: padBatch(batchSize), count: batchSize };
      const made = { program: gradients, layers: plan.maps, reuseMemory: reuse };
      const maps = await LayerMaps.create({ what: 'trainer', gpu, ...batch, ...made });
      return new StepPrograms({
        gpu,
        plan,
        boundBuffers,
        own,
        counts: created.get(counts)!,
        losses,
        maps,
        load,
        gradients,
        update,
      });
    } catch (error) {
      losses?.destroy();
      for (const program of programs) program.destroy();
      for (const b of own) b.destroy();
      throw error;
    }
  }

  /** Bytes of GPU memory that this object holds. */
  get bytes(): number {
    const programs = this.step.reduce((sum, program) => sum + program.bytes, this.maps.bytes);
    return this.parts.own.reduce((sum, b) => sum + b.size, programs);
  }

  buffer(t: Tensor): GPUBuffer {
    return this.boundBuffers.get(t)!;
  }

  /** Writes a field of the step state. */
  writeState(name: keyof typeof STATE, value: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): void {
    const state = this.buffer(this.plan.tensors.state);
    this.gpu.writeSoon(state, STATE[name] * 4, value);
  }

  /** Sets the number of images in the batch of a recorded step. */
  encodeCount(encoder: GPUCommandEncoder, count: number): void {
    const state = this.buffer(this.plan.tensors.state);
    encoder.copyBufferToBuffer(this.parts.counts, (count - 1) * 4, state, STATE.count * 4, 4);
  }

  /** Work of a step whose batch the program `batch` draws. */
  workWith(batch: Program): number {
    const { gradients, update } = this.parts;
    return batch.totalWork + gradients.totalWork + update.totalWork;
  }

  /** Submits `n` whole steps at once, whose batches the program `batch` draws. */
  submit(batch: Program, n: number): Promise<Losses> {
    const { gradients, update } = this.parts;
    const label = `${n} training steps`;
    const encoder = this.gpu.device.createCommandEncoder({ label });
    computePass(encoder, label, (pass) => {
      for (let i = 0; i < n; i++) for (const program of [batch, gradients, update]) program.encode(pass);
    });
    return this.losses.submit(encoder, this.workWith(batch) * n);
  }

  /** Runs one step in as many submissions as the pacer asks for. An abort before the update changes nothing. */
  async stepInParts(batch: Program, signal: AbortSignal | undefined): Promise<void> {
    const { gradients, update } = this.parts;
    await this.gpu.run([batch, gradients], { signal });
    signal?.throwIfAborted();
    await this.gpu.run([update]);
  }

  /** Reads the gradients of the last step, laid out like the flat parameters. */
  async readGradients(unet: NetworkWeights): Promise<ArrayBuffer> {
    const { layerGradients, tensors } = this.plan;
    const buffer = this.buffer(tensors.gradients);
    const sources = layerGradients.map(({ offset, size }) => ({
      buffer,
      offset: offset! * 4,
      bytes: size * 4,
    }));
    const bytes = sources.reduce((sum, source) => sum + source.bytes, 0);
    const staging = await Staging.create(this.gpu, 'read gradients', bytes);
    try {
      const encoder = this.gpu.device.createCommandEncoder({ label: 'read gradients' });
      const gradient = new Float32Array(unet.plan.flat.size);
      for (const [i, part] of (await staging.read(encoder, sources)).entries())
        gradient.set(new Float32Array(part), unet.plan.byLayer[i].offset);
      return gradient.buffer;
    } finally {
      staging.destroy();
    }
  }

  destroy(): void {
    for (const program of this.step) program.destroy();
    for (const b of this.parts.own) b.destroy();
    this.maps.destroy();
    this.losses.destroy();
  }
}
