import { loaded } from '../base/load';
import type { Gpu } from '../gpu/gpu';
import { Load } from '../gpu/pacer';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { copyBytes } from '../gpu/recorded_numbers';
import { readBuffer, Staging } from '../gpu/staging';
import { Upload } from '../gpu/upload';
import { setUpdate } from '../kernels/set_update';
import { op } from '../plan/op';
import { STATE, scheduleWords } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import type { LayerMaps } from '../unet/layer_maps';
import type { NetworkWeights } from '../unet/network';
import type { Variants } from '../unet/variants';
import { type BatchPart, bringBuffers, type TakenBatch } from './batch';
import type { CustomLossPlan } from './custom_loss';
import { type EpochParts, imagesOfEpoch, imagesOfStep, stepsPerEpoch } from './epoch';
import { type Losses, LossReader } from './losses';
import { planStep, type StepPlan } from './step';
import { NO_CLIP, type StepConfig } from './step_config';

interface StepProgramsOptions {
  readonly batchSize: number;
  readonly learningRate: number;
  readonly settings: StepConfig;
  readonly variants: Variants;
  /** Whether tensors share memory. */
  readonly reuseMemory: boolean;
  /** Whether the caller may have a custom loss. */
  readonly customLoss: boolean;
  /** Receives the moving average of the weights. */
  readonly average?: NetworkWeights;
}

/** The values of an update. */
export interface UpdateSettings {
  readonly learningRate: number;
  readonly clipNorm: number;
  readonly weightDecay: number;
}

/** The programs of a step with a custom loss, and their buffers. */
export interface CustomLossPrograms {
  /** Brings the network's input into the kernels' layout. */
  readonly load: Program;
  /** From there to the output in the caller's layout. */
  readonly forward: readonly Program[];
  /** From the gradient of the output to `gradient`. */
  readonly backward: readonly Program[];
  readonly update: Program;
  readonly gradient: GPUBuffer;
  readonly loss: GPUBuffer;
}

type Words = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

interface Parts {
  readonly gpu: Gpu;
  readonly plan: StepPlan;
  /** Buffers of the network, and buffers that outlive a step. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** Buffers that this object owns. */
  readonly buffers: readonly GPUBuffer[];
  /** Constants 0 … max(255, batch): an encoder can copy values but not write them. */
  readonly numbers: GPUBuffer;
  /** The bytes of the settings that a recorded step sets. */
  readonly bytes: GPUBuffer;
  readonly losses: LossReader;
  readonly maps: LayerMaps;
  readonly load: Program;
  readonly gradients: readonly Program[];
  readonly update: Program;
  readonly setUpdate: Program;
  readonly customLoss: CustomLossPrograms | undefined;
  /** All programs, to be destroyed. */
  readonly programs: readonly Program[];
}

/** The buffers and programs of training steps. */
export class StepPrograms {
  readonly plan: StepPlan;
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly losses: LossReader;
  readonly maps: LayerMaps;
  /** The programs of a step on the caller's batch. */
  readonly step: readonly Program[];
  /** The part of a step that changes tensors that outlive it. */
  readonly update: Program;
  /** Only for a trainer with `customLoss`. */
  readonly customLoss: CustomLossPrograms | undefined;
  /** Fields of the step state for the step after the one that is under way in several submissions; undefined between steps. */
  private waiting: Map<keyof typeof STATE, Words> | undefined;
  /** Settles when no update lies between two submissions: what is submitted at once then finds all tensors after the same step. */
  updated: Promise<void> = Promise.resolve();
  private endUpdate: (() => void) | undefined;
  private readonly parts: Parts;
  private readonly gpu: Gpu;
  private readonly upload: Upload;

  private constructor(parts: Parts) {
    this.parts = parts;
    this.gpu = parts.gpu;
    this.upload = new Upload(parts.gpu, 'trainer batch');
    this.plan = parts.plan;
    this.boundBuffers = parts.boundBuffers;
    this.losses = parts.losses;
    this.maps = parts.maps;
    this.step = [parts.load, ...parts.gradients, parts.update];
    this.update = parts.update;
    this.customLoss = parts.customLoss;
  }

  static async create(gpu: Gpu, unet: NetworkWeights, options: StepProgramsOptions): Promise<StepPrograms> {
    const { batchSize, settings, variants, average } = options;
    const plan = planStep(unet.config, unet.plan, batchSize, variants, settings, average?.plan);
    const custom = options.customLoss
      ? (await loaded(import('./custom_loss'))).planCustomLoss(
          unet.config,
          unet.plan,
          batchSize,
          settings,
          plan,
          average?.plan,
        )
      : undefined;
    const numbers = tensor('numbers', Math.max(batchSize, 255) + 1);
    const bytes = tensor('bytes of settings', 12);
    const more = custom ? [custom.gradient, custom.loss] : [];
    const tensors = [...Object.values<Tensor>({ ...plan.tensors }), numbers, bytes, ...more];
    for (const t of tensors) gpu.checkBufferSize(t.label, t.size * 4);
    const created = await createTensorBuffers(gpu, 'trainer ', tensors);
    const boundBuffers = new Map([...unet.boundBuffers, ...(average?.boundBuffers ?? []), ...created]);
    const buffer = (t: Tensor) => created.get(t)!;
    const { state, losses: records } = plan.tensors;
    let losses: LossReader | undefined;
    let programs: readonly Program[] = [];
    try {
      await gpu.write(
        buffer(numbers),
        0,
        Uint32Array.from({ length: numbers.size }, (_, i) => i),
      );
      const { skipNonFinite = 0, adam, clipNorm = NO_CLIP } = settings;
      const initial = { learningRate: options.learningRate, clip: clipNorm, weightDecay: adam.weightDecay };
      for (const [name, value] of Object.entries(initial))
        await gpu.write(buffer(state), STATE[name as keyof typeof initial] * 4, Float32Array.of(value));
      await gpu.write(buffer(state), STATE.warmup * 4, scheduleWords(settings.schedule));
      losses = await LossReader.create(gpu, buffer(state), buffer(records), skipNonFinite);
      const { reuseMemory } = options;
      const { step, ...compiled } = await compileStep(gpu, plan, custom, {
        bytes,
        boundBuffers,
        reuse: reuseMemory,
      });
      programs = compiled.programs;
      const batch = { batch: padBatch(batchSize), count: batchSize };
      const mapped = { program: step, layers: plan.maps, reuseMemory };
      const { LayerMaps } = await loaded(import('../unet/layer_maps'));
      const maps = await LayerMaps.create({ what: 'trainer', gpu, ...batch, ...mapped });
      const named = { numbers: buffer(numbers), bytes: buffer(bytes) };
      const outside = { gpu, plan, boundBuffers, buffers: [...created.values()], ...named };
      return new StepPrograms({ ...outside, losses, maps, ...compiled });
    } catch (error) {
      losses?.destroy();
      for (const program of programs) program.destroy();
      for (const b of created.values()) b.destroy();
      throw error;
    }
  }

  /** Bytes of GPU memory that this object holds. */
  get bytes(): number {
    const { programs, buffers } = this.parts;
    return [...programs.map((p) => p.bytes), ...buffers.map((b) => b.size)].reduce(
      (sum, n) => sum + n,
      this.maps.bytes + this.upload.bytes,
    );
  }

  buffer(t: Tensor): GPUBuffer {
    return this.boundBuffers.get(t)!;
  }

  /** Writes a field of the step state, and those that follow it if there are more values. */
  writeState(name: keyof typeof STATE, value: Words): void {
    const state = this.buffer(this.plan.tensors.state);
    this.gpu.writeSoon(state, STATE[name] * 4, value);
  }

  /** Brings a batch and the values of its update to the GPU: by commands in `encoder`, but for buffers. Throws as `bringBuffers` does. */
  async bringBatch(
    encoder: GPUCommandEncoder,
    { sources, packed }: TakenBatch,
    { learningRate, clipNorm, weightDecay }: UpdateSettings,
  ): Promise<void> {
    const { upload, plan } = this;
    const bufferOf = ({ to }: BatchPart) => this.buffer(plan.tensors[to]);
    await bringBuffers(this.gpu, sources, bufferOf);
    new Float32Array(packed.bytes.buffer, 4, 3).set([learningRate, clipNorm, weightDecay]);
    await upload.write(packed);
    const state = this.buffer(plan.tensors.state);
    const fields = (['count', 'learningRate', 'clip'] as const).map((name) => STATE[name] * 4);
    for (const [i, offset] of fields.entries()) upload.bring(encoder, i, state, offset);
    const arrays = sources.filter(({ source }) => ArrayBuffer.isView(source));
    for (const [i, each] of arrays.entries()) upload.bring(encoder, fields.length + i, bufferOf(each));
  }

  /** Writes the place in the data set of the step after `step` completed ones. */
  writePlace(parts: EpochParts, step: number): void {
    this.writeState('batchStart', Uint32Array.of((step % stepsPerEpoch(parts)) * parts.batchSize));
    this.writeState('count', Uint32Array.of(imagesOfStep(parts, step)));
    this.writeState('epochSize', Uint32Array.of(imagesOfEpoch(parts)));
  }

  /** The same as `writeState` for the next step that begins: a step that is under way keeps the old value. */
  writeNext(name: keyof typeof STATE, value: Words): void {
    if (this.waiting) this.waiting.set(name, value);
    else this.writeState(name, value);
  }

  /** Begins a step in several submissions. */
  beginParts(): void {
    this.waiting ??= new Map();
  }

  /** Notes whether an update lies between two submissions. */
  noteUpdate(isCut: boolean): void {
    if (isCut) {
      if (this.endUpdate) return;
      this.updated = new Promise((resolve) => {
        this.endUpdate = resolve;
      });
    } else {
      this.endUpdate?.();
      this.endUpdate = undefined;
    }
  }

  /** Ends it, or drops it. */
  endParts(): void {
    this.noteUpdate(false);
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const [name, value] of waiting) this.writeState(name, value);
  }

  /** Awaits a step in several submissions. */
  async inParts<T>(step: () => Promise<T>): Promise<T> {
    this.beginParts();
    this.noteUpdate(true);
    try {
      return await step();
    } finally {
      this.endParts();
    }
  }

  /** Whether `endParts` writes anything. */
  get isAwaited(): boolean {
    return (this.waiting?.size ?? 0) > 0;
  }

  /** Writes the values of the next update. Recorded steps leave other values behind. */
  writeSettings({ learningRate, clipNorm, weightDecay }: UpdateSettings): void {
    for (const [name, value] of Object.entries({ learningRate, clip: clipNorm, weightDecay }))
      this.writeState(name as 'clip', Float32Array.of(value));
  }

  /** Records the values of a recorded update. */
  encodeSettings(encoder: GPUCommandEncoder, { learningRate, clipNorm, weightDecay }: UpdateSettings): void {
    const { numbers, bytes, setUpdate } = this.parts;
    copyBytes(encoder, numbers, bytes, Float32Array.of(learningRate, clipNorm, weightDecay));
    computePass(encoder, 'settings of an update', (pass) => setUpdate.encode(pass));
  }

  /** Sets the number of images in the batch of a recorded step. */
  encodeCount(encoder: GPUCommandEncoder, count: number): void {
    const state = this.buffer(this.plan.tensors.state);
    encoder.copyBufferToBuffer(this.parts.numbers, count * 4, state, STATE.count * 4, 4);
  }

  /** A step whose batch the program `batch` draws, or loads. */
  stepWith(batch: Program): readonly Program[] {
    return [batch, ...this.parts.gradients, this.parts.update];
  }

  /** The work of `n` such steps. */
  loadWith(batch: Program, n = 1): Load {
    const load = new Load();
    for (const program of this.stepWith(batch)) load.addAll(program.load, n);
    return load;
  }

  /** Submits `n` whole steps at once, whose batches the program `batch` draws. */
  submit(batch: Program, n: number): Promise<Losses> {
    const step = this.stepWith(batch);
    const label = `${n} training steps`;
    const encoder = this.gpu.device.createCommandEncoder({ label });
    computePass(encoder, label, (pass) => {
      for (let i = 0; i < n; i++) for (const program of step) program.encode(pass);
    });
    return this.losses.submit(encoder, this.loadWith(batch, n));
  }

  /**
   * Submits one step in as many submissions as the pacer asks for. Resolves when the device has accepted all of it, to its losses, which
   * come later. An abort before the update changes nothing.
   */
  async stepInParts(
    batch: Program,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly losses: Promise<Losses> }> {
    const { gpu } = this;
    const { gradients, update } = this.parts;
    return this.inParts(async () => {
      const ends: Promise<void>[] = [];
      await gpu.run([batch, ...gradients], { signal, ends });
      if (signal?.aborted) await Promise.allSettled(ends);
      signal?.throwIfAborted();
      let submit = () => {};
      const submitted = new Promise<void>((resolve) => {
        submit = resolve;
      });
      const losses = gpu.runAnd([update], (encoder, load) => {
        const last = this.losses.submit(encoder, load);
        submit();
        return last;
      });
      await Promise.race([submitted, losses]);
      return { losses };
    });
  }

  /** Reads the gradients of the last step, or of the last backward pass of a custom loss; laid out like the flat parameters. */
  async readGradients(unet: NetworkWeights, ofCustomLoss: boolean): Promise<ArrayBuffer> {
    if (ofCustomLoss) return readBuffer(this.gpu, this.customLoss!.gradient, unet.plan.flat.size);
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
    this.waiting = undefined;
    this.noteUpdate(false);
    for (const program of this.parts.programs) program.destroy();
    for (const b of this.parts.buffers) b.destroy();
    this.maps.destroy();
    this.losses.destroy();
    this.upload.destroy();
  }
}

/** Compiles the programs of a step; `custom`: the plan of a custom loss. */
async function compileStep(
  gpu: Gpu,
  plan: StepPlan,
  custom: CustomLossPlan | undefined,
  memory: { bytes: Tensor; boundBuffers: ReadonlyMap<Tensor, GPUBuffer>; reuse: boolean },
) {
  const { bytes, boundBuffers, reuse } = memory;
  const { gradients, forwardOps } = plan;
  const { state } = plan.tensors;
  const afterLoss = forwardOps + 1;
  // The custom loss stands beside the trainer's, so that both find the forward pass's tensors in memory.
  const ops = custom
    ? [...gradients.slice(0, afterLoss), ...custom.output, ...custom.given, ...gradients.slice(afterLoss)]
    : gradients;
  const all = await Program.compileAll([
    Program.compile(gpu, 'load batch', plan.load, boundBuffers),
    Program.compile(gpu, 'training step', ops, boundBuffers, { reuse }),
    Program.compile(gpu, 'update', plan.update, boundBuffers),
    Program.compile(gpu, 'settings', [op(setUpdate, 'update', {}, { bytes, state })], boundBuffers),
    ...(custom
      ? [
          Program.compile(gpu, 'add gradients', custom.add, boundBuffers),
          Program.compile(gpu, 'custom update', custom.update, boundBuffers),
        ]
      : []),
  ]);
  const [load, step, update, setting, add, customUpdate] = all;
  const common = { step, load, update, setUpdate: setting, programs: all };
  if (!custom) return { ...common, gradients: [step], customLoss: undefined };
  const given = afterLoss + custom.output.length;
  const back = step.section(given + custom.given.length, ops.length);
  const forward = step.section(0, forwardOps);
  const customLoss: CustomLossPrograms = {
    // Its ops load the target and the input.
    load: load.section(1, 2),
    forward: [forward, step.section(afterLoss, given)],
    backward: [step.section(given, given + custom.given.length), back, add],
    update: customUpdate,
    gradient: boundBuffers.get(custom.gradient)!,
    loss: boundBuffers.get(custom.loss)!,
  };
  return { ...common, gradients: [forward, step.section(forwardOps, afterLoss), back], customLoss };
}
