import { argumentError, checkSignal, EngineError } from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import type { Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice, isSlice, type Slice } from '../gpu/slice';
import { pack } from '../gpu/upload';
import { padBatch } from '../plan/tensor';
import { defaultChooser, makeVerified, measuresFor } from '../unet/chooser';
import { checkLabels } from '../unet/conditions';
import { checkUNet } from '../unet/network';
import { MAX_SAMPLING_STEPS, MOST_NOISES } from '../unet/sampling';
import type { UNet } from '../unet/unet';
import type { VariantChooser, Variants } from '../unet/variants';
import {
  checkEncode,
  checkRun,
  checkSample,
  checkSampled,
  checkSampler,
  type EncodeRunOptions,
  hasPictures,
  type LoadedOptions,
  loadPictures,
  type SampleEvent,
  type SampleOptions,
  type SamplerOptions,
} from './options';
import { Orders } from './orders';
import { listPasses, predictClean, ROW_WORDS } from './passes';
import { createPlan, destroyPlan, type Output, type SamplingPlan } from './plan';
import { addPolish } from './polish';
import {
  encodeAfter,
  encodeFirst,
  encodePasses,
  encodeProgram,
  encodeRow,
  encodeSeed,
  packRows,
  passPrograms,
  type SamplingRun,
} from './recording';

/** Most rows of a run: two passes per step, the passes of a polish, one row before them, and two after. */
const MOST_ROWS = 2 * MAX_SAMPLING_STEPS + MOST_NOISES + 3;
const ROW_BYTES = MOST_ROWS * ROW_WORDS * 4;

interface SamplerParts {
  readonly gpu: Gpu;
  readonly unet: UNet;
  readonly count: number;
  readonly variants: Variants | undefined;
  readonly measures: boolean;
  readonly chooser: VariantChooser;
  readonly orders: Orders;
  /** The plan for the network's default method, and its name. */
  readonly plan: SamplingPlan;
  readonly name: string;
}

/** Turns noise into images with a UNet, step by step. Created by `engine.createSampler`. */
export class Sampler extends Resource {
  /** The network that makes the images. */
  readonly unet: UNet;
  /** Images sampled together. */
  readonly count: number;
  private readonly gpu: Gpu;
  private readonly variants: Variants | undefined;
  private readonly measures: boolean;
  private readonly chooser: VariantChooser;
  /** Plans by `planName`. */
  private readonly plans = new Map<string, SamplingPlan>();
  /** The plans that recorded runs use, which may be submitted at any time: `sample` and `run` use others. */
  private readonly recorded = new Map<string, SamplingPlan>();
  /** The name of the plan that the sampler was created with: for the network's default method and default guidance. */
  private readonly name: string;
  /** Plans whose kernels were compared at their real size. */
  private readonly compared = new Set<SamplingPlan>();
  private readonly orders: Orders;
  private busy = false;
  private lastSeed: number | undefined;

  private constructor({ gpu, unet, count, variants, measures, chooser, orders, plan, name }: SamplerParts) {
    super('sampler');
    this.gpu = gpu;
    this.unet = unet;
    this.count = count;
    this.variants = variants;
    this.measures = measures;
    this.chooser = chooser;
    this.orders = orders;
    this.name = name;
    this.plans.set(name, plan);
  }

  /** The seed of the last `sample` or `run`, given or drawn; undefined before the first. */
  get seed(): number | undefined {
    return this.lastSeed;
  }

  /** The plan that the sampler was created with. @internal */
  get parts(): SamplingPlan {
    return (this.plans.get(this.name) ?? this.recorded.get(this.name))!;
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    unet: UNet,
    options: SamplerOptions = {},
    chooser: VariantChooser = defaultChooser(gpu),
  ): Promise<Sampler> {
    checkUNet(unet, gpu.device);
    const { count, variants, tune } = checkSampler(options);
    const measures = measuresFor(count, tune);
    checkSampled(unet.config);
    const { conditioning } = unet.config;
    const flow = conditioning?.noiseLevel ?? false;
    const guided = flow && conditioning!.classes > 0 && unet.sampling?.guidance !== 1;
    const plan = await createPlan(
      gpu,
      unet.weights,
      { count, variants, measures, flow, guided, rowBytes: ROW_BYTES },
      chooser,
    );
    try {
      if (flow && unet.sampling?.polish) await addPolish(gpu, plan);
      const orders = await Orders.create(gpu, ROW_BYTES + 2 * 4 * padBatch(count));
      const name = planName(flow, guided);
      return new Sampler({ gpu, unet, count, variants, measures, chooser, orders, plan, name });
    } catch (error) {
      destroyPlan(plan);
      throw error;
    }
  }

  /** Runs all steps; for each, and for a polish, yields x before it, the prediction, and x after it. Throws as `sample` does. */
  async *run(options: SampleOptions = {}): AsyncGenerator<SampleEvent, void, undefined> {
    let input: Float32Array<ArrayBuffer> | undefined;
    let step = 0;
    for await (const { plan, flow, settings } of this.walk(options)) {
      const { x, predicted } = plan.outputs;
      const [after, output] = await this.unlessDestroyed(this.read(plan, x, predicted), options.signal);
      if (input) {
        const prediction = flow ? predictClean(settings, step, { input, after, velocity: output }) : output;
        const show = (values: Float32Array<ArrayBuffer>) => (flow ? values.map(toUnit) : values);
        yield { step: step++, input: show(input), prediction: show(prediction), x: show(after) };
      }
      input = after;
    }
  }

  /** Runs all steps; yields the run before the first and after each, while x stays on the GPU. Throws as `sample` does. @internal */
  async *walk(options: SampleOptions): AsyncGenerator<SamplingRun, void, undefined> {
    const signal = signalOf(options);
    const run = await this.withGrace(this.start(options), signal);
    this.lastSeed = run.seed;
    try {
      yield run;
      for (let done = 0; done < run.passes.length; ) {
        done += await this.withGrace(this.advance(run, options, done, 1), signal);
        yield run;
      }
    } catch (error) {
      if (error !== signal?.reason) await this.failed(error);
      throw error;
    } finally {
      await this.withGrace(this.idle.then(this.free), signal);
    }
  }

  /**
   * Compiles and checks what `sample` with these options needs, so that the first call takes as long as later ones. Throws as `sample` does.
   */
  async prepare(options: SampleOptions = {}): Promise<void> {
    const signal = signalOf(options);
    await this.withGrace(this.start(options).then(this.free), signal);
  }

  /**
   * Runs all steps and returns only the result, [count][height][width][channels] from 0 to 1. Throws `argument` for illegal options, `busy` in
   * the middle of another run, and the signal's reason.
   */
  async sample(options: SampleOptions = {}): Promise<Float32Array<ArrayBuffer>> {
    const signal = signalOf(options);
    return this.withGrace(this.sampled(options), signal);
  }

  private async sampled(options: SampleOptions): Promise<Float32Array<ArrayBuffer>> {
    const run = await this.start(options);
    this.lastSeed = run.seed;
    try {
      for (let done = 0; done < run.passes.length; ) done += await this.advance(run, options, done);
      const [images] = await this.read(run.plan, run.plan.outputs.x);
      return run.flow ? images.map(toUnit) : images;
    } catch (error) {
      if (error !== options.signal?.reason) await this.failed(error);
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /**
   * Records a run from the noise in `buffer`, or with `seed` from the noise of `sample`; submits nothing. `buffer` ([count][height][width]
   * [channels] of f32, usages COPY_SRC and COPY_DST) holds the result, from 0 to 1, once the GPU has executed the commands. It
   * allocates nothing: the next `sample` or `run` makes images of its own, and throws `limit` where they do not fit. Throws `argument` before
   * anything is recorded.
   */
  encodeRun(encoder: GPUCommandEncoder, buffer: BufferSlice, options: EncodeRunOptions = {}): void {
    this.check();
    checkEncoder(encoder);
    if (this.busy) throw busyError();
    checkEncode(options);
    const { labels, seed } = options;
    const { flow, settings } = checkRun(options, this.unet, this.count);
    const plan = this.recordedPlan(flow, settings);
    const bytes = this.count * this.imageSize * 4;
    const usages = seed === undefined ? (['COPY_SRC', 'COPY_DST'] as const) : (['COPY_DST'] as const);
    const images = checkSlice('The buffer of encodeRun', buffer, bytes, ...usages);
    const [start, mask] = (['start', 'mask'] as const).map((name) =>
      options[name] === undefined ? undefined : checkSlice(name, options[name], bytes, 'COPY_SRC'),
    );
    const labelSlice = isSlice(labels) ? checkSlice('labels', labels, this.count * 4, 'COPY_SRC') : undefined;
    const listed = isSlice(labels) ? undefined : labels;
    this.checkLabels(listed);
    const passes = listPasses(settings, seed ?? 0);
    const numbers = { passes, settings, seed: seed ?? 0 };
    const rows = packRows(numbers);
    const classes = this.classesOf(plan.networkBatch, listed);
    const order = new Uint32Array(rows.length + classes.length);
    order.set(new Uint32Array(rows.buffer));
    order.set(classes, rows.length);
    const placed = this.orders.place(order);
    const run: SamplingRun = { ...numbers, plan, flow, masked: mask !== undefined, rows: placed };
    const copy = ({ buffer, offset }: Slice, to: GPUBuffer, bytes: number) =>
      encoder.copyBufferToBuffer(buffer, offset, to, 0, bytes);
    const load = (program: Program, from: Slice) => {
      copy(from, plan.images, bytes);
      encodeProgram(encoder, program);
    };
    const classesAt = placed.offset + rows.byteLength;
    encoder.copyBufferToBuffer(placed.buffer, classesAt, plan.classes, 0, classes.byteLength);
    if (labelSlice) copy(labelSlice, plan.classes, this.count * 4);
    if (seed === undefined) load(plan.load.noise, images);
    else {
      encodeSeed(encoder, run);
      encodeProgram(encoder, plan.makeNoise);
    }
    if (start) load(plan.load.start!, start);
    if (mask) load(plan.load.mask!, mask);
    if (flow) encodeFirst(encoder, run);
    encodePasses(encoder, run, 0, passes.length);
    encodeProgram(encoder, plan.finish);
    encoder.copyBufferToBuffer(plan.images, 0, images.buffer, images.offset, bytes);
    // These numbers are not checked: NaN among them would reach later runs without pictures.
    if (start) encoder.clearBuffer(plan.boundBuffers.get(plan.tensors.start)!);
    if (mask) encoder.clearBuffer(plan.boundBuffers.get(plan.tensors.mask)!);
  }

  /**
   * Bytes of GPU memory that this sampler holds, without the UNet's weights. They about double at the first `sample` or `run` after an
   * `encodeRun`, which makes images of its own.
   */
  get bytes(): number {
    if (this.destroyed) return 0;
    const sum = (things: Iterable<{ readonly size: number }>) =>
      [...things].reduce((n, { size }) => n + size, 0);
    const plans = this.allPlans.map(({ programs, buffers, upload }) =>
      programs.reduce((n, p) => n + p.bytes, upload.bytes + sum(buffers)),
    );
    return plans.reduce((a, b) => a + b, this.orders.bytes);
  }

  /** @internal */
  override check(): void {
    super.check();
    this.unet.check();
  }

  protected release(): void {
    for (const plan of this.allPlans) destroyPlan(plan);
    this.orders.destroy();
  }

  private get allPlans(): SamplingPlan[] {
    return [...this.plans.values(), ...this.recorded.values()];
  }

  private readonly free = () => {
    this.busy = false;
  };

  private get imageSize(): number {
    const { height, width, channels } = this.unet.config;
    return height * width * channels;
  }

  private checkLabels(labels: ArrayLike<number> | undefined): void {
    if (labels !== undefined) checkLabels(labels, this.unet.config.conditioning!.classes, this.count);
  }

  /** Classes for the network's whole batch: `labels`, then no class. */
  private classesOf(networkBatch: number, labels: ArrayLike<number> = []): Uint32Array<ArrayBuffer> {
    const { classes = 0 } = this.unet.config.conditioning ?? {};
    const all = new Uint32Array(networkBatch).fill(classes);
    all.set(labels);
    return all;
  }

  /** Checks the options and brings x to the level where the run begins. */
  private async start(given: SampleOptions): Promise<SamplingRun> {
    this.check();
    const options = hasPictures(given)
      ? await loadPictures(given, this.unet.config, this.count)
      : (given as LoadedOptions);
    this.check();
    const { flow, settings, seed } = checkSample(options, this.unet, this.count, this.imageSize);
    const { labels, noise, start, mask, signal } = options;
    this.checkLabels(labels);
    if (this.busy) throw busyError();
    signal?.throwIfAborted();
    this.busy = true;
    const { gpu } = this;
    const guided = settings.guidance !== 1;
    const passes = listPasses(settings, seed);
    const classes = this.classesOf((guided ? 2 : 1) * padBatch(this.count), labels);
    const pictures = [noise, start, mask].filter((images) => images !== undefined);
    // Copies: the caller may change the arrays at once.
    const packed = pack([packRows({ passes, settings, seed }), classes, ...pictures]);
    try {
      const plan = await this.rightPlanFor(flow, guided, settings.polish !== undefined);
      await plan.upload.write(packed);
      this.check();
      const rows = { buffer: plan.upload.buffer, offset: 0 };
      const run = { plan, flow, settings, passes, masked: mask !== undefined, seed, rows };
      await this.load(run, options);
      if (flow) {
        const encoder = gpu.device.createCommandEncoder({ label: 'sampling: first' });
        encodeFirst(encoder, run);
        await gpu.submit(encoder);
      }
      // Its caller may not wait for it any more.
      signal?.throwIfAborted();
      this.check();
      return run;
    } catch (error) {
      this.busy = false;
      if (error !== signal?.reason) await this.failed(error);
      throw error;
    }
  }

  /** Brings noise, start and mask to the GPU. */
  private async load(run: SamplingRun, { noise, start, mask, signal }: LoadedOptions): Promise<void> {
    const { gpu } = this;
    const { plan } = run;
    // Behind the rows and the classes.
    let next = 2;
    const begin = () => gpu.device.createCommandEncoder({ label: 'sampling: load' });
    const load = async (program: Program, encoder = begin()) => {
      plan.upload.bring(encoder, next++, plan.images);
      await gpu.run([program], { encoder, signal });
    };
    const encoder = begin();
    plan.upload.bring(encoder, 1, plan.classes);
    if (noise) await load(plan.load.noise, encoder);
    else {
      encodeSeed(encoder, run);
      await gpu.run([plan.makeNoise], { encoder, signal });
    }
    if (start) await load(plan.load.start!);
    if (mask) await load(plan.load.mask!);
  }

  /** The plan for a recorded run. It must already exist, because recording cannot compile shaders. */
  private recordedPlan(flow: boolean, { method, guidance, polish }: SamplingRun['settings']): SamplingPlan {
    const guided = guidance !== 1;
    // A guided plan also serves runs without guidance; it then computes the second half of the batch for nothing.
    for (const name of (guided ? [true] : [false, true]).map((name) => planName(flow, name))) {
      const plan = this.recorded.get(name) ?? this.plans.get(name);
      if (!plan || (polish && !plan.polish)) continue;
      if (!this.recorded.has(name)) this.plans.delete(name);
      this.recorded.set(name, plan);
      return plan;
    }
    throw argumentError(
      `method is ${method}${guided ? ` and guidance ${guidance}` : ''}${polish ? ' and a polish' : ''}, which this sampler has not run yet, and encodeRun cannot compile shaders. Call sample() with such options and one step before.`,
    );
  }

  /** The plan for a run, without variants that are wrong at its size. */
  private async rightPlanFor(flow: boolean, guided: boolean, polished: boolean): Promise<SamplingPlan> {
    const { gpu, unet, count, variants: given, chooser, compared } = this;
    const name = planName(flow, guided);
    const known = this.plans.get(name);
    if (known && compared.has(known)) return this.planFor(flow, guided, polished);
    const make = async () => {
      const plan = await this.planFor(flow, guided, polished);
      const destroy = () => {
        for (const plans of [this.plans, this.recorded]) {
          const wrong = plans.get(name);
          plans.delete(name);
          if (wrong) destroyPlan(wrong);
        }
      };
      return { plan, variants: plan.variants, isFixed: plan.isFixed, destroy };
    };
    const images = guided ? 2 * padBatch(count) : count;
    const predicted = { gpu, chooser, network: unet.weights, count: images, given };
    const { plan } = await makeVerified(predicted, make);
    this.check();
    compared.add(plan);
    return plan;
  }

  private async planFor(flow: boolean, guided: boolean, polished: boolean): Promise<SamplingPlan> {
    const name = planName(flow, guided);
    let plan = this.plans.get(name);
    if (!plan) {
      const { gpu, unet, count, variants, measures, chooser } = this;
      const options = { count, variants, measures, flow, guided, rowBytes: ROW_BYTES };
      // Of the same variants: both make the same images.
      const like = this.recorded.get(name);
      const alike: VariantChooser = {
        choose: async (place) => like ?? chooser.choose(place),
        replace: (...args) => chooser.replace(...args),
      };
      plan = await createPlan(gpu, unet.weights, options, alike);
      this.plans.set(name, plan);
      if (this.destroyed) destroyPlan(plan);
      this.check();
    }
    for (const each of polished ? [plan, this.recorded.get(name)] : []) {
      if (!each || each.polish) continue;
      await addPolish(this.gpu, each);
      if (this.destroyed) destroyPlan(each);
      this.check();
    }
    return plan;
  }

  /** Reads the current values of `outputs` in the caller's layout. */
  private async read(plan: SamplingPlan, ...outputs: Output[]): Promise<Float32Array<ArrayBuffer>[]> {
    const bytes = this.count * this.imageSize * 4;
    const encoder = this.gpu.device.createCommandEncoder({ label: 'sampling: images' });
    for (const { toImages } of outputs) encodeProgram(encoder, toImages);
    const sources = outputs.map(({ images }) => ({ buffer: plan.boundBuffers.get(images)!, bytes }));
    return (await plan.staging.read(encoder, sources)).map((values) => new Float32Array(values));
  }

  /**
   * Runs the next passes after `done` passes: as many as the pacer allows in one submission and as make at most `mostSteps` steps, or one
   * pass in several submissions. Resolves to their number.
   */
  private async advance(
    run: SamplingRun,
    { signal, onStep }: SampleOptions,
    done: number,
    mostSteps = Infinity,
  ): Promise<number> {
    signal?.throwIfAborted();
    this.check();
    const { gpu } = this;
    const { plan, passes } = run;
    const fits = gpu.pacer.repeats(plan.pass.load);
    // With a limit of steps, all passes of a step belong together, however slow.
    let n = Math.min(Math.max(fits, 1), passes.length - done);
    if (mostSteps === 1) n = passes.findIndex(({ ends }, i) => i >= done && ends) + 1 - done;
    const encoder = gpu.device.createCommandEncoder({ label: 'sampling' });
    if (n <= fits) {
      encodePasses(encoder, run, done, n);
      await gpu.submit(encoder, plan.pass.load.times(n));
    } else {
      n = 1;
      encodeRow(encoder, run, done);
      await gpu.run([...plan.prepare, ...passPrograms(run, done)], { encoder, signal });
      const last = gpu.device.createCommandEncoder({ label: 'sampling: last' });
      if (encodeAfter(last, run, done)) await gpu.submit(last);
      if (mostSteps === 1 && !passes[done].ends)
        return 1 + (await this.advance(run, { signal, onStep }, done + 1, 1));
    }
    const stepsOf = (passesDone: number) =>
      passes.slice(0, passesDone).filter(({ ends, polish }) => ends && polish === undefined).length;
    if (stepsOf(done + n) > stepsOf(done)) onStep?.(stepsOf(done + n));
    return n;
  }
}

/** The signal of options that are not checked yet. */
function signalOf(options: SampleOptions): AbortSignal | undefined {
  const { signal } = Object(options) as SampleOptions;
  checkSignal(signal);
  return signal;
}

const planName = (flow: boolean, guided: boolean) => `${flow ? 'flow' : 'mix'}${guided ? ', guided' : ''}`;

/** From the value range of a flow, -1 to 1, to the range of pictures, 0 to 1. */
const toUnit = (v: number) => Math.min(Math.max(0.5 * v + 0.5, 0), 1);

const busyError = () =>
  new EngineError(
    'busy',
    'This sampler is in the middle of a run. Await it; of `run`, finish the loop or call return() of the iterator. An abort alone ends a run only when its next event is asked for.',
  );
