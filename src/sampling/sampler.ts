import { checkBuffer, checkInteger, checkNames, checkNumber, EngineError, notImages } from '../errors';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { checkLabels, isBuffer } from '../unet/conditions';
import { outChannelsOf } from '../unet/config';
import type { UNet } from '../unet/unet';
import type { Variants } from '../unet/variants';
import {
  firstRow,
  lastRow,
  levelAt,
  METHODS,
  type Pass,
  passesOf,
  ROW_WORDS,
  type SamplingMethod,
  SHARE_AT,
} from './passes';
import { createPlan, destroyPlan, type Output, type SamplingPlan } from './plan';
import { SAMPLING_STEP_WORDS } from './step';

/** Most steps of one run. */
export const MAX_SAMPLING_STEPS = 1000;

/** Of a run: two passes a step, and what comes before and after them. */
const MOST_ROWS = 2 * MAX_SAMPLING_STEPS + 2;

export interface SamplerOptions {
  /** Images that are sampled together. Default 64. */
  readonly count?: number;
  /** Kernel variants by layer. Default: chosen for the device. */
  readonly variants?: Variants;
}

interface RunOptions<Images, Labels> {
  /** 1 to 1000. */
  readonly steps: number;
  /** Default: `euler` if the network is told the noise level, else `mix`, the tutorial's. */
  readonly method?: SamplingMethod;
  /** What each image is to show, [count]: classes from 0, or as many as there are classes for none (the default). */
  readonly labels?: Labels;
  /**
   * How far to go towards the class, 0 to 100: 1 is what the network says of it, more goes further away from what it says of no class
   * ("classifier-free guidance": Ho and Salimans, 2022), and costs a second image in the batch. Default 2 with labels along a flow, else 1.
   */
  readonly guidance?: number;
  /** Pictures to begin at, from 0 to 1: x is (1 - from) start + from noise. Along a flow, as what follows. */
  readonly start?: Images;
  /** The noise level to begin at, above 0 to 1. Default 1. */
  readonly from?: number;
  /** 1 where pixels of `start` are to stay as they are, 0 elsewhere; as large as `start`. */
  readonly mask?: Images;
}

export interface SampleOptions extends RunOptions<Float32Array, ArrayLike<number>> {
  /** Fixes the noise that the images start from. Default 0. */
  readonly seed?: number;
  /** Use this noise instead: [count][height][width][channels]; uniform from 0 to 1 for `mix`, else Gaussian. */
  readonly noise?: Float32Array;
  readonly signal?: AbortSignal;
  /** Called with the number of steps done, which may be several more each time. */
  readonly onStep?: (done: number) => void;
}

/** Buffers are of f32, labels of u32, with COPY_SRC. */
export type EncodeRunOptions = RunOptions<GPUBuffer, GPUBuffer | ArrayLike<number>>;

/** One sampling step; all images are [count][height][width][channels], from 0 to 1. */
export interface SampleEvent {
  /** 0 to steps - 1. */
  readonly step: number;
  /** x before the step. */
  readonly input: Float32Array<ArrayBuffer>;
  /** The image that the network sees behind it. */
  readonly prediction: Float32Array<ArrayBuffer>;
  /** x after the step; with `mix` clip(input * (1 - m) + prediction * m, 0, 1), m = 1 / (steps - step). */
  readonly x: Float32Array<ArrayBuffer>;
}

/** Turns noise into images with a UNet, a little further at each step. Created by `engine.createSampler`. */
export class Sampler {
  readonly unet: UNet;
  readonly count: number;
  /** The plan that it was made with: that of the network's usual method, guided if there are classes. @internal */
  readonly parts: SamplingPlan;
  private readonly gpu: Gpu;
  private readonly variants: Variants | undefined;
  /** By `planName`. */
  private readonly plans = new Map<string, SamplingPlan>();
  /** What recorded runs read: rows and labels, by what they hold. */
  private readonly recorded = new Map<string, GPUBuffer>();
  private busy = false;
  private destroyed = false;

  private constructor(
    gpu: Gpu,
    unet: UNet,
    count: number,
    variants: Variants | undefined,
    name: string,
    plan: SamplingPlan,
  ) {
    this.gpu = gpu;
    this.unet = unet;
    this.count = count;
    this.variants = variants;
    this.parts = plan;
    this.plans.set(name, plan);
  }

  /** @internal */
  static async create(gpu: Gpu, unet: UNet, options: SamplerOptions = {}): Promise<Sampler> {
    unet.check(gpu.device);
    checkNames('A sampler', options, ['count', 'variants'] satisfies (keyof SamplerOptions)[]);
    const { count = 64, variants } = options;
    checkInteger('count', count, 1, 65536);
    const { channels, conditioning } = unet.config;
    if (outChannelsOf(unet.config) !== channels) {
      throw new EngineError(
        'argument',
        `This UNet makes ${outChannelsOf(unet.config)} channels of ${channels}; sampling needs as many as it takes. Use predict.`,
      );
    }
    const flow = conditioning?.noiseLevel ?? false;
    const guided = flow && conditioning!.classes > 0;
    const plan = await createPlan(gpu, unet, { count, variants, flow, guided, ...ROWS });
    return new Sampler(gpu, unet, count, variants, planName(flow, guided), plan);
  }

  /** Runs `steps` steps and yields the images before, predicted and after each. */
  async *run(options: SampleOptions): AsyncGenerator<SampleEvent, void, undefined> {
    const run = await this.start(options);
    const { flow, settings, plan } = run;
    const { x, made } = plan.outputs;
    try {
      let [input] = await this.read(plan, x);
      for (let step = 0, done = 0; step < options.steps; step++) {
        done += await this.advance(run, options, done, 1);
        const [after, output] = await this.read(plan, x, made);
        const level = levelAt(settings, step + 1);
        const prediction = flow ? output.map((v, i) => after[i] - level * v) : output;
        const show = (values: Float32Array<ArrayBuffer>) => (flow ? values.map(toUnit) : values);
        yield { step, input: show(input), prediction: show(prediction), x: show(after) };
        input = after;
      }
    } catch (error) {
      if (error !== options.signal?.reason) this.check();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /** Runs all steps and returns only the result, [count][height][width][channels] from 0 to 1. */
  async sample(options: SampleOptions): Promise<Float32Array<ArrayBuffer>> {
    const run = await this.start(options);
    try {
      for (let done = 0; done < run.passes.length; ) done += await this.advance(run, options, done);
      const [images] = await this.read(run.plan, run.plan.outputs.x);
      return run.flow ? images.map(toUnit) : images;
    } catch (error) {
      if (error !== options.signal?.reason) this.check();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  /**
   * Records a run from the noise in `buffer`, submits nothing. `buffer` ([count][height][width][channels] of f32, usages COPY_SRC and
   * COPY_DST) holds the result, from 0 to 1, when the encoder has run. In place of options, the number of steps.
   */
  encodeRun(encoder: GPUCommandEncoder, buffer: GPUBuffer, options: EncodeRunOptions | number): void {
    this.check();
    if (this.busy) throw busyError();
    const given = typeof options === 'number' ? { steps: options } : options;
    checkNames('encodeRun', given, RUN_OPTIONS);
    const { flow, settings } = this.checkRun(given);
    const guided = settings.guidance !== 1;
    // What is made for guidance does without, too: with the images of the second half for nothing.
    const plan =
      this.plans.get(planName(flow, guided)) ?? (guided ? undefined : this.plans.get(planName(flow, true)));
    if (!plan) {
      throw new EngineError(
        'argument',
        `method is ${settings.method}${guided ? ` and guidance ${settings.guidance}` : ''}, which this sampler has not run yet, and encodeRun cannot compile shaders. Call sample() with such options and one step before.`,
      );
    }
    const bytes = this.count * this.imageSize * 4;
    checkBuffer('The buffer of encodeRun', buffer, bytes, 'COPY_SRC', 'COPY_DST');
    for (const name of ['start', 'mask'] as const) {
      const source = given[name];
      if (source !== undefined) checkBuffer(name, source, bytes, 'COPY_SRC');
    }
    const { labels } = given;
    if (isBuffer(labels)) checkBuffer('labels', labels, this.count * 4, 'COPY_SRC');
    else this.checkLabels(labels);
    const classes = this.constant(this.classesOf(plan, isBuffer(labels) ? undefined : labels));
    const load = (program: Program, from: GPUBuffer) => {
      encoder.copyBufferToBuffer(from, 0, plan.images, 0, bytes);
      encodePass(encoder, program);
    };
    encoder.copyBufferToBuffer(classes, 0, plan.classes, 0, plan.seen * 4);
    if (isBuffer(labels)) encoder.copyBufferToBuffer(labels, 0, plan.classes, 0, this.count * 4);
    load(plan.load.noise, buffer);
    if (given.start) load(plan.load.start!, given.start);
    if (given.mask) load(plan.load.mask!, given.mask);
    const passes = passesOf(settings);
    const run: Run = { plan, flow, settings, passes, masked: given.mask !== undefined };
    const rows = this.constant(rowsOf(run));
    if (flow) this.encodeFirst(encoder, run, rows);
    this.encodePasses(encoder, run, rows, 0, passes.length);
    encodePass(encoder, plan.finish);
    encoder.copyBufferToBuffer(plan.images, 0, buffer, 0, bytes);
  }

  /** Bytes of GPU memory that this sampler holds, without the UNet's weights. */
  get bytes(): number {
    const sum = (things: Iterable<{ readonly size: number }>) =>
      [...things].reduce((n, { size }) => n + size, 0);
    const plans = [...this.plans.values()].map(({ programs, own }) =>
      programs.reduce((n, p) => n + p.bytes, sum(own)),
    );
    return plans.reduce((a, b) => a + b, sum(this.recorded.values()));
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    for (const plan of this.plans.values()) destroyPlan(plan);
    for (const buffer of this.recorded.values()) buffer.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  // ---------------------------------------------------------------- inside

  private get imageSize(): number {
    const { height, width, channels } = this.unet.config;
    return height * width * channels;
  }

  private check(): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This sampler was destroyed; create a new one.');
    this.unet.check();
  }

  /** What a run is to do, with the defaults; throws an `argument` error where that is not legal. */
  private checkRun(options: RunOptions<unknown, unknown>) {
    const { conditioning } = this.unet.config;
    const classes = conditioning?.classes ?? 0;
    const { steps, labels, start, from, mask } = options;
    const { method = conditioning?.noiseLevel ? 'euler' : 'mix' } = options;
    checkInteger('steps', steps, 1, MAX_SAMPLING_STEPS);
    if (!METHODS.includes(method)) {
      throw new EngineError('argument', `method is ${method}; it must be ${METHODS.join(', ')}.`);
    }
    const flow = method !== 'mix';
    const { guidance = flow && labels !== undefined ? 2 : 1 } = options;
    checkNumber('guidance', guidance, 0, 100);
    if (labels !== undefined && classes === 0) {
      throw new EngineError(
        'argument',
        'labels are given, and this UNet is not told classes. Leave them out, or use one with conditioning: { classes: 10 }, say.',
      );
    }
    if (guidance !== 1 && labels === undefined) {
      throw new EngineError(
        'argument',
        `guidance is ${guidance}, which is for labels: ${classes === 0 ? 'this UNet is not told classes' : 'none are given'}. Leave it out${classes === 0 ? '' : `, or give ${this.count} labels from 0 to ${classes - 1}`}.`,
      );
    }
    if (!flow && guidance !== 1) {
      throw new EngineError(
        'argument',
        `guidance is ${guidance} and method mix; guidance is for the methods euler and heun. Leave it out.`,
      );
    }
    for (const [name, value] of Object.entries({ start, from, mask })) {
      if (!flow && value !== undefined) {
        throw new EngineError('argument', `${name} is for the methods euler and heun; this run has mix.`);
      }
    }
    if (from !== undefined && start === undefined) {
      throw new EngineError('argument', `from is ${from} without start; give the pictures to begin at, too.`);
    }
    if (mask !== undefined && start === undefined) {
      throw new EngineError('argument', 'mask is given without start; give the pictures that it is of, too.');
    }
    if (start !== undefined && from === undefined && mask === undefined) {
      throw new EngineError(
        'argument',
        'start is given with neither from nor mask, and would not count. Give the noise level to begin at, from, or a mask of the pixels that stay.',
      );
    }
    if (from !== undefined) checkNumber('from', from, 1e-3, 1);
    return { flow, settings: { method, steps, from: from ?? 1, guidance } };
  }

  private checkLabels(labels: ArrayLike<number> | undefined): void {
    if (labels !== undefined) checkLabels(labels, this.unet.config.conditioning!.classes, this.count);
  }

  /** Classes for all that the network sees: `labels`, then none. */
  private classesOf({ seen }: SamplingPlan, labels: ArrayLike<number> = []): Uint32Array<ArrayBuffer> {
    const { classes = 0 } = this.unet.config.conditioning ?? {};
    const all = new Uint32Array(seen).fill(classes);
    all.set(labels);
    return all;
  }

  /** Puts x where the run begins. */
  private async start(options: SampleOptions): Promise<Run> {
    this.check();
    checkNames('Sampling', options, [...RUN_OPTIONS, 'seed', 'noise', 'signal', 'onStep']);
    const { seed = 0, noise, labels, start, mask, signal } = options;
    const { flow, settings } = this.checkRun(options);
    checkInteger('seed', seed, 0, 0xffffffff);
    const size = this.count * this.imageSize;
    for (const [name, images] of Object.entries({ noise, start, mask })) {
      if (images === undefined) continue;
      if (!(images instanceof Float32Array)) throw notImages(name, images);
      if (images.length !== size) {
        throw new EngineError(
          'argument',
          `${name} has ${images.length} values; ${this.count} images of ${this.imageSize} values are ${size}.`,
        );
      }
    }
    for (const [name, images] of Object.entries({ start, mask })) {
      const at = images?.findIndex((v) => !(v >= 0 && v <= 1)) ?? -1;
      if (at >= 0) {
        throw new EngineError(
          'argument',
          `${name}[${at}] is ${images![at]}; all values must be from 0 to 1.`,
        );
      }
    }
    this.checkLabels(labels);
    if (this.busy) throw busyError();
    signal?.throwIfAborted();
    this.busy = true;
    const { gpu } = this;
    try {
      const plan = await this.planFor(flow, settings.guidance !== 1);
      const run: Run = { plan, flow, settings, passes: passesOf(settings), masked: mask !== undefined };
      const { queue } = gpu.device;
      const load = async (program: Program, images: Float32Array) => {
        queue.writeBuffer(plan.images, 0, images.buffer, images.byteOffset, images.byteLength);
        await gpu.run([program], { signal });
      };
      queue.writeBuffer(plan.classes, 0, this.classesOf(plan, labels));
      queue.writeBuffer(plan.rows, 0, rowsOf(run));
      if (noise) await load(plan.load.noise, noise);
      else {
        const program = await Program.compile(gpu, 'noise', [plan.noise(seed)], plan.fixed);
        await gpu.run([program]).finally(() => program.destroy());
      }
      if (start) await load(plan.load.start!, start);
      if (mask) await load(plan.load.mask!, mask);
      if (flow) {
        const encoder = gpu.device.createCommandEncoder({ label: 'sampling: first' });
        this.encodeFirst(encoder, run, plan.rows);
        await gpu.submit(encoder);
      }
      return run;
    } catch (error) {
      this.busy = false;
      if (error !== signal?.reason) this.check();
      throw error;
    }
  }

  private async planFor(flow: boolean, guided: boolean): Promise<SamplingPlan> {
    const name = planName(flow, guided);
    let plan = this.plans.get(name);
    if (!plan) {
      const { gpu, unet, count, variants } = this;
      plan = await createPlan(gpu, unet, { count, variants, flow, guided, ...ROWS });
      this.plans.set(name, plan);
      if (this.destroyed) destroyPlan(plan);
      this.check();
    }
    return plan;
  }

  /** What has been made so far, in the caller's order. */
  private async read(plan: SamplingPlan, ...outputs: Output[]): Promise<Float32Array<ArrayBuffer>[]> {
    const bytes = this.count * this.imageSize * 4;
    const encoder = this.gpu.device.createCommandEncoder({ label: 'sampling: images' });
    for (const { toImages } of outputs) encodePass(encoder, toImages);
    const sources = outputs.map(({ images }) => ({ buffer: plan.fixed.get(images)!, bytes }));
    return (await plan.staging.read(encoder, sources)).map((values) => new Float32Array(values));
  }

  /**
   * Goes on after `done` passes: by as many of the others as the pacer lets into one submission and as make at most `mostSteps` steps, or by
   * one in several submissions. Resolves to their number.
   */
  private async advance(
    run: Run,
    { signal, onStep }: SampleOptions,
    done: number,
    mostSteps = Number.POSITIVE_INFINITY,
  ): Promise<number> {
    signal?.throwIfAborted();
    this.check();
    const { gpu } = this;
    const { plan, passes } = run;
    const fits = Math.floor(gpu.pacer.budget / plan.pass.totalWork);
    // With a limit of steps, all passes of a step belong together, however slow.
    let n = Math.min(Math.max(fits, 1), passes.length - done);
    if (mostSteps === 1) n = passes.findIndex(({ ends }, i) => i >= done && ends) + 1 - done;
    const encoder = gpu.device.createCommandEncoder({ label: 'sampling' });
    if (n <= fits) {
      this.encodePasses(encoder, run, plan.rows, done, n);
      await gpu.submit(encoder, plan.pass.totalWork * n);
    } else {
      n = 1;
      this.encodeRow(encoder, run, plan.rows, done);
      await gpu.run([...plan.prepare, plan.pass], { encoder, signal });
      if (done + 1 === passes.length && run.masked) {
        const last = gpu.device.createCommandEncoder({ label: 'sampling: last' });
        this.encodeLast(last, run, plan.rows);
        await gpu.submit(last);
      }
      if (mostSteps === 1 && !passes[done].ends)
        return 1 + (await this.advance(run, { steps: 1, signal, onStep }, done + 1, 1));
    }
    const stepsOf = (passesDone: number) => passes.slice(0, passesDone).filter(({ ends }) => ends).length;
    if (stepsOf(done + n) > stepsOf(done)) onStep?.(stepsOf(done + n));
    return n;
  }

  /** x at the level where the run begins. */
  private encodeFirst(encoder: GPUCommandEncoder, { plan }: Run, rows: GPUBuffer): void {
    encoder.copyBufferToBuffer(rows, 0, plan.step, 0, SAMPLING_STEP_WORDS * 4);
    encodePass(encoder, plan.known!);
  }

  /** Known pixels as they are. */
  private encodeLast(encoder: GPUCommandEncoder, { plan, passes }: Run, rows: GPUBuffer): void {
    encoder.copyBufferToBuffer(
      rows,
      (passes.length + 1) * ROW_WORDS * 4,
      plan.step,
      0,
      SAMPLING_STEP_WORDS * 4,
    );
    encodePass(encoder, plan.known!);
  }

  private encodePasses(encoder: GPUCommandEncoder, run: Run, rows: GPUBuffer, from: number, n: number): void {
    for (const program of run.plan.prepare) encodePass(encoder, program);
    for (let i = from; i < from + n; i++) {
      this.encodeRow(encoder, run, rows, i);
      encodePass(encoder, run.plan.pass);
    }
    if (run.masked && from + n === run.passes.length) this.encodeLast(encoder, run, rows);
  }

  /** The numbers of pass `i`, and known pixels at its level. */
  private encodeRow(
    encoder: GPUCommandEncoder,
    { plan, passes, masked }: Run,
    rows: GPUBuffer,
    i: number,
  ): void {
    const at = (i + 1) * ROW_WORDS * 4;
    encoder.copyBufferToBuffer(rows, at, plan.step, 0, SAMPLING_STEP_WORDS * 4);
    if (plan.share) encoder.copyBufferToBuffer(rows, at + SHARE_AT * 4, plan.share, 0, 4);
    if (masked && passes[i].begins) encodePass(encoder, plan.known!);
  }

  /** A buffer that holds `words` for good, for recorded runs. */
  private constant(words: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>): GPUBuffer {
    const key = new Uint32Array(words.buffer).join();
    let buffer = this.recorded.get(key);
    if (!buffer) {
      buffer = this.gpu.device.createBuffer({
        label: 'sampler recorded run',
        size: words.byteLength,
        usage: GPUBufferUsage.COPY_SRC,
        mappedAtCreation: true,
      });
      new Uint32Array(buffer.getMappedRange()).set(new Uint32Array(words.buffer));
      buffer.unmap();
      this.recorded.set(key, buffer);
    }
    return buffer;
  }
}

interface Run {
  readonly plan: SamplingPlan;
  readonly flow: boolean;
  readonly settings: Parameters<typeof passesOf>[0];
  readonly passes: readonly Pass[];
  /** Whether some pixels are known. */
  readonly masked: boolean;
}

const ROWS = { mostRows: MOST_ROWS, rowWords: ROW_WORDS };
const RUN_OPTIONS = [
  'steps',
  'method',
  'labels',
  'guidance',
  'start',
  'from',
  'mask',
] satisfies (keyof EncodeRunOptions)[];

const planName = (flow: boolean, guided: boolean) => `${flow ? 'flow' : 'mix'}${guided ? ', guided' : ''}`;

/** The first row, those of the passes, the last one. */
function rowsOf({ passes, settings }: Run): Float32Array<ArrayBuffer> {
  const all = [firstRow(settings.from), ...passes.map((pass) => pass.row), lastRow()];
  const rows = new Float32Array(all.length * ROW_WORDS);
  all.forEach((row, i) => {
    rows.set(row, i * ROW_WORDS);
  });
  return rows;
}

/** From the range of a flow, -1 to 1, to that of pictures. */
const toUnit = (v: number) => Math.min(Math.max(0.5 * v + 0.5, 0), 1);

const busyError = () =>
  new EngineError(
    'busy',
    'This sampler is in the middle of a run. Await it; of `run`, finish the loop or call return() of the iterator. An abort alone ends a run only when its next event is asked for.',
  );

function encodePass(encoder: GPUCommandEncoder, program: Program): void {
  const pass = encoder.beginComputePass({ label: 'sampling' });
  program.encode(pass);
  pass.end();
}
