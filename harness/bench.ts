/** Throughput of every kernel on the adapter at hand, each checked before it is timed. Shared by the page and the command line. */
import type { AdapterDescription, Engine } from '../src/engine';
import { EngineError } from '../src/errors';
import { type Cost, op, Program, type Tensor, tensor } from '../src/kernel';
import { predictionPass } from '../src/unet/forward';
import { chooser, defaultVariants } from '../src/unet/variants';
import { type AnySpec, specs } from '../test/registry';
import { type Arrays, elementCount, padded, Random } from '../test/spec';
import { type CaseResult, checkCase, missingFeature, References } from './check';
import { matcher } from './pattern';
import { summary, Timer, type TimerKind, type Times } from './timer';

export interface BenchOptions {
  /** Images of the UNet's layers. Default 256. */
  readonly batch?: number;
  /** Only rows that match: see `matcher`. `step`, `forward` and `sample` are the whole network. */
  readonly kernel?: string;
  /** About how long all may take; every row is measured at least three times, however long that is. Default 60. */
  readonly budgetSeconds?: number;
  /** What runs this: a browser's user agent, say. */
  readonly runtime?: string;
  readonly signal?: AbortSignal;
}

/** A kernel's variant at one of the UNet's real shapes. Without a passed check there are no numbers. */
export interface BenchRow {
  readonly kernel: string;
  readonly variant: string;
  /** Named like parameters: `down.1`, `up.0`. */
  readonly layer: string;
  readonly batch: number;
  readonly ms: Times | null;
  /** Nominal: every tap of every convolution is counted, as libraries do, whatever the variant really computes. */
  readonly gflops: number | null;
  /** Bytes that must move at least once. */
  readonly gbps: number | null;
  /** Of what this adapter can do: the larger of gflops / peak.gflops and gbps / peak.gbps. */
  readonly shareOfPeak: number | null;
  readonly check: CaseResult;
}

export interface SkippedRow {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly reason: string;
}

/** Something the whole network does with a batch. */
export interface BenchTotal {
  readonly batch: number;
  readonly ms: Times;
  readonly imagesPerSecond: number;
  readonly gflops: number;
  readonly timer: TimerKind;
}

export interface BenchResult {
  readonly adapter: AdapterDescription;
  readonly runtime: string;
  readonly date: string;
  readonly batch: number;
  readonly timer: { readonly kind: TimerKind; readonly resolutionMs: number };
  /** Measured in the same run: multiply-adds in registers, and a copy of memory (bytes read and written). */
  readonly peak: { readonly gflops: number; readonly gbps: number };
  readonly rows: readonly BenchRow[];
  readonly skipped: readonly SkippedRow[];
  /** A whole training step; null where the pattern left it out. */
  readonly step: BenchTotal | null;
  readonly forward: BenchTotal | null;
  /** One step of sampling. */
  readonly sample: BenchTotal | null;
}

export type BenchEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly title: string }
  | { readonly kind: 'peak'; readonly peak: BenchResult['peak']; readonly timer: BenchResult['timer'] }
  | { readonly kind: 'row'; readonly row: BenchRow }
  | { readonly kind: 'skipped'; readonly row: SkippedRow }
  | { readonly kind: 'total'; readonly name: TotalName; readonly total: BenchTotal }
  | { readonly kind: 'result'; readonly result: BenchResult };

const totals = ['step', 'forward', 'sample'] as const;
export type TotalName = (typeof totals)[number];

/** Yields progress before, and a row or total after each measurement; the whole result last. */
export async function* runBench(
  engine: Engine,
  options: BenchOptions = {},
): AsyncGenerator<BenchEvent, void, undefined> {
  const { batch = 256, kernel, budgetSeconds = 60, runtime = 'unknown', signal } = options;
  const wanted = matcher(kernel);
  const entries = listEntries(batch).filter(({ name, variant, layer }) =>
    wanted(`${name}.${variant} ${layer}`),
  );
  const wantedTotals = totals.filter((name) => wanted(name));
  const total = entries.length + wantedTotals.length;
  const end = performance.now() + budgetSeconds * 1000;
  let done = 0;
  /** What is left, spread over what is left to do. */
  const share = () => Math.max(end - performance.now(), 0) / 1000 / Math.max(total - done, 1);

  yield { kind: 'progress', done, total, title: 'peaks' };
  signal?.throwIfAborted();
  const { timer, peak } = await measurePeaks(engine, signal);
  yield { kind: 'peak', peak, timer: { kind: timer.kind, resolutionMs: timer.resolutionMs } };

  const rows: BenchRow[] = [];
  const skipped: SkippedRow[] = [];
  const references = new References();
  const stage = new Stage(engine);
  try {
    for (const { name, spec, variant, layer, shape } of entries) {
      signal?.throwIfAborted();
      yield { kind: 'progress', done, total, title: `${name}.${variant} ${layer}` };
      const head = { kernel: name, variant, layer };
      const reason = missingFeature(engine, spec, variant) ?? spec.kernel.variants[variant].refuses?.(shape);
      if (reason) {
        skipped.push({ ...head, reason });
        yield { kind: 'skipped', row: skipped[skipped.length - 1] };
      } else {
        const check = await checkSmall(engine, spec, variant, layer, references);
        let row: BenchRow = { ...head, batch, ms: null, gflops: null, gbps: null, shareOfPeak: null, check };
        if (check.pass) {
          try {
            const ms = await stage.measure(spec, variant, layer, shape, timer, share(), signal);
            row = { ...row, ms, ...throughput(spec.kernel.cost(shape), ms, peak) };
          } catch (error) {
            if (!(error instanceof EngineError) || error.code !== 'limit') throw error;
            skipped.push({ ...head, reason: error.message });
            yield { kind: 'skipped', row: skipped[skipped.length - 1] };
            done++;
            continue;
          }
        }
        rows.push(row);
        yield { kind: 'row', row };
      }
      done++;
    }
    stage.clear();

    const whole: Record<TotalName, BenchTotal | null> = { step: null, forward: null, sample: null };
    for (const name of wantedTotals) {
      signal?.throwIfAborted();
      yield { kind: 'progress', done, total, title: name };
      const measured = await measureTotal[name](engine, batch, timer, Math.max(share(), 1), signal);
      whole[name] = measured;
      yield { kind: 'total', name, total: measured };
      done++;
    }
    const { kind, resolutionMs } = timer;
    const date = new Date().toISOString();
    const result = { adapter: engine.adapter, runtime, date, batch, timer: { kind, resolutionMs }, peak };
    yield { kind: 'result', result: { ...result, rows, skipped, ...whole } };
  } finally {
    stage.clear();
    timer.destroy();
  }
}

// ---------------------------------------------------------------- rows

interface Entry {
  readonly name: string;
  readonly spec: AnySpec;
  readonly variant: string;
  readonly layer: string;
  readonly shape: unknown;
}

/** Rivals, the variants at one layer, stand together. */
function listEntries(batch: number): Entry[] {
  return [...specs].flatMap(([name, spec]) =>
    Object.entries(spec.bench(batch)).flatMap(([layer, shape]) =>
      Object.keys(spec.kernel.variants).map((variant) => ({ name, spec, variant, layer, shape })),
    ),
  );
}

/** References are plain loops: a check has at most so many numbers. */
const CHECK_ELEMENTS = 4e6;

/** The variant against its reference on a small version of the layer: the smallest batch that it takes. */
async function checkSmall(
  engine: Engine,
  spec: AnySpec,
  variant: string,
  layer: string,
  references: References,
): Promise<CaseResult> {
  const small = [4, 8, 16, 32, 64].map((batch) => spec.bench(batch)[layer]);
  const candidates = [spec.cases[`UNet ${layer}`], ...small, ...Object.values(spec.cases).reverse()];
  const fits = (shape: unknown) =>
    shape !== undefined &&
    !spec.kernel.variants[variant].refuses?.(shape) &&
    elementCount(spec.kernel.sizes(shape)) <= CHECK_ELEMENTS;
  const shape = candidates.find(fits);
  if (shape === undefined) return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
  return checkCase(engine, spec, variant, shape, references);
}

function throughput({ flops, bytes }: Cost, { median }: Times, peak: BenchResult['peak']) {
  const gflops = flops / median / 1e6;
  const gbps = bytes / median / 1e6;
  return { gflops, gbps, shareOfPeak: Math.max(gflops / peak.gflops, gbps / peak.gbps) };
}

/** The buffers of one kernel at one shape, filled with random numbers, for all its variants in turn. */
class Stage {
  private readonly engine: Engine;
  private key: unknown;
  private tensors: Record<string, Tensor> = {};
  private fixed = new Map<Tensor, GPUBuffer>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async measure(
    spec: AnySpec,
    variant: string,
    layer: string,
    shape: unknown,
    timer: Timer,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<Times> {
    if (this.key !== `${spec.kernel.name} ${layer}`) await this.fill(spec, layer, shape);
    const { gpu } = this.engine;
    const plan = op(spec.kernel, layer, shape, this.tensors, variant);
    const program = await Program.compile(gpu, 'bench', [plan], this.fixed, whole);
    try {
      return await timer.measure((pass) => program.encode(pass), seconds, signal);
    } finally {
      program.destroy();
    }
  }

  private async fill(spec: AnySpec, layer: string, shape: unknown): Promise<void> {
    this.clear();
    const { gpu } = this.engine;
    const sizes = spec.kernel.sizes(shape);
    for (const [name, size] of Object.entries(sizes))
      gpu.checkBufferSize(`${spec.kernel.name} ${name}`, size * 4);
    const names = Object.keys(sizes);
    const buffers = await gpu.createBuffers(
      names.map((name) => ({ label: `bench ${name}`, bytes: sizes[name] * 4 })),
    );
    names.forEach((name, i) => {
      this.tensors[name] = tensor(name, sizes[name]);
      this.fixed.set(this.tensors[name], buffers[i]);
    });
    this.key = `${spec.kernel.name} ${layer}`;
    // What a kernel adds to or overwrites in place starts random too, as do weights and activations.
    const inputs: Arrays = spec.inputs(shape, new Random(1));
    names.forEach((name, i) => {
      const values = inputs[name];
      if (!values) return;
      const words = values instanceof Float64Array ? Float32Array.from(values) : values;
      gpu.device.queue.writeBuffer(buffers[i], 0, words as Float32Array<ArrayBuffer>);
    });
  }

  clear(): void {
    for (const buffer of this.fixed.values()) buffer.destroy();
    this.fixed = new Map();
    this.tensors = {};
    this.key = undefined;
  }
}

/** A dispatch is timed whole, however long it takes. */
const whole = { partWork: Number.POSITIVE_INFINITY } as const;

// ---------------------------------------------------------------- peaks

async function measurePeaks(
  engine: Engine,
  signal?: AbortSignal,
): Promise<{ timer: Timer; peak: BenchResult['peak'] }> {
  const measured = { fma_peak: 0, copy: 0 };
  let timer: Timer | undefined;
  for (const name of ['fma_peak', 'copy'] as const) {
    const spec = specs.get(name)!;
    const [variant] = Object.keys(spec.kernel.variants);
    const [[layer, shape]] = Object.entries(spec.bench(4));
    const references = new References();
    const check = await checkSmall(engine, spec, variant, layer, references);
    if (!check.pass) {
      throw new EngineError(
        'shader',
        `${name}, which measures this adapter's peak, fails its own check: ${check.failure}. No throughput can be told; run check.`,
      );
    }
    const stage = new Stage(engine);
    try {
      timer ??= await chooseTimer(engine);
      const times = await stage.measure(spec, variant, layer, shape, timer, 1, signal);
      const { flops, bytes } = spec.kernel.cost(shape);
      // The fastest of the samples is nearest to what the adapter can do.
      measured[name] = (name === 'copy' ? bytes : flops) / times.p10 / 1e6;
    } finally {
      stage.clear();
    }
  }
  return { timer: timer!, peak: { gflops: measured.fma_peak, gbps: measured.copy } };
}

async function chooseTimer(engine: Engine): Promise<Timer> {
  const spec = specs.get('fma_peak')!;
  const shape = { invocations: 2 ** 14, iterations: 256 };
  const output = tensor('output', spec.kernel.sizes(shape).output);
  const plan = op(spec.kernel, 'probe', shape, { output });
  const program = await Program.compile(engine.gpu, 'bench probe', [plan], new Map(), whole);
  try {
    return await Timer.create(engine.gpu, (pass) => program.encode(pass));
  } finally {
    program.destroy();
  }
}

// ---------------------------------------------------------------- the whole network

type MeasureTotal = (
  engine: Engine,
  batch: number,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
) => Promise<BenchTotal>;

const measureTotal: Record<TotalName, MeasureTotal> = {
  /** From a batch of the caller's on the GPU to the updated weights. */
  async step(engine, batch, _, seconds, signal) {
    const unet = await engine.createUNet({}, { seed: 1 });
    const trainer = await engine.createTrainer(unet, { batchSize: batch });
    const [noisy, clean] = await randomImages(engine, ['noisy', 'clean'], batch);
    try {
      // In as many submissions as the adapter wants; by the host's clock, as a person's own would see it.
      const ms = await measureSubmissions(engine, seconds, signal, {
        one: () => trainer.step({ noisy, clean }),
        encode: (encoder) => trainer.encodeStep(encoder, { noisy, clean }),
      });
      // The gradients of a layer cost twice its forward pass, but for the first layer's, which has none for its input.
      const [first] = unet.plan.layers;
      const flops = 3 * forwardFlops(unet.plan.layers, batch) - forwardFlops([first], batch);
      return totalOf(batch, ms, flops, 'wall clock');
    } finally {
      trainer.destroy();
      unet.destroy();
      for (const buffer of [noisy, clean]) buffer.destroy();
    }
  },

  /** One pass from activations to activations, in the kernels' own order. */
  async forward(engine, batch, timer, seconds, signal) {
    const unet = await engine.createUNet({}, { seed: 1 });
    const [buffer] = await randomImages(engine, ['input'], padded(batch));
    const { layers, weights } = unet.plan;
    const input = tensor('input', buffer.size / 4);
    const output = tensor('output', buffer.size / 4);
    const choose = chooser(defaultVariants(layers, padded(batch), engine.device.features));
    const ops = predictionPass(layers, weights, padded(batch), input, output, choose);
    const fixed = new Map([...unet.fixed, [input, buffer] as const]);
    const program = await Program.compile(engine.gpu, 'bench forward', ops, fixed, whole);
    try {
      const ms = await timer.measure((pass) => program.encode(pass), seconds, signal);
      return totalOf(batch, ms, forwardFlops(layers, batch), timer.kind);
    } finally {
      program.destroy();
      unet.destroy();
      buffer.destroy();
    }
  },

  /** One step of sampling `batch` images: forward pass, mixing, and the images in the caller's order. */
  async sample(engine, batch, _, seconds, signal) {
    const unet = await engine.createUNet({}, { seed: 1 });
    const sampler = await engine.createSampler(unet, { count: batch });
    const [images] = await randomImages(engine, ['images'], batch);
    try {
      const encode = (encoder: GPUCommandEncoder) => sampler.encodeRun(encoder, images, 1);
      const one = async () => {
        const encoder = engine.device.createCommandEncoder({ label: 'bench' });
        encode(encoder);
        await engine.gpu.submit(encoder);
      };
      const ms = await measureSubmissions(engine, seconds, signal, { one, encode });
      return totalOf(batch, ms, forwardFlops(unet.plan.layers, batch), 'wall clock');
    } finally {
      sampler.destroy();
      unet.destroy();
      images.destroy();
    }
  },
};

type Layers = readonly {
  height: number;
  width: number;
  inChannels: number;
  outChannels: number;
  kernelSize: number;
}[];

function forwardFlops(layers: Layers, batch: number): number {
  return layers.reduce(
    (sum, l) => sum + 2 * batch * l.height * l.width * l.inChannels * l.outChannels * l.kernelSize ** 2,
    0,
  );
}

function totalOf(batch: number, ms: Times, flops: number, timer: TimerKind): BenchTotal {
  const { median } = ms;
  return { batch, ms, imagesPerSecond: (batch / median) * 1000, gflops: flops / median / 1e6, timer };
}

/** Wall clock; what is short is done several times in one submission, so that handing it over does not count. */
async function measureSubmissions(
  engine: Engine,
  seconds: number,
  signal: AbortSignal | undefined,
  work: { readonly one: () => Promise<unknown>; readonly encode: (encoder: GPUCommandEncoder) => void },
): Promise<Times> {
  const clock = async (run: () => Promise<unknown>) => {
    signal?.throwIfAborted();
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  await work.one(); // Compiles.
  const start = performance.now();
  const single = await clock(work.one);
  const repeats = Math.min(Math.max(Math.round(100 / single), 1), 64);
  const many = async () => {
    const encoder = engine.device.createCommandEncoder({ label: 'bench' });
    for (let i = 0; i < repeats; i++) work.encode(encoder);
    await engine.gpu.submit(encoder);
  };
  const samples: number[] = [];
  while (samples.length < 3 || (samples.length < 50 && performance.now() - start < seconds * 1000)) {
    samples.push((await clock(repeats > 1 ? many : work.one)) / repeats);
  }
  return summary(samples);
}

async function randomImages(engine: Engine, labels: readonly string[], count: number): Promise<GPUBuffer[]> {
  const values = new Random(3).floats(count * 28 * 28, 0, 1) as Float32Array<ArrayBuffer>;
  const buffers = await engine.gpu.createBuffers(
    labels.map((label) => ({ label: `bench ${label}`, bytes: values.byteLength })),
  );
  for (const buffer of buffers) engine.device.queue.writeBuffer(buffer, 0, values);
  return buffers;
}
