/** How much is given to a GPU at once, on adapters from 50 times slower than lavapipe to 10,000 times faster: a device and a clock of the test's own. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { stepOps } from '../../harness/run/in_use';
import { EngineError } from '../../src/base/errors';
import { Gpu } from '../../src/gpu/gpu';
import { Load, MOST_IN_FLIGHT, Pacer, type Submittable } from '../../src/gpu/pacer';
import { Program } from '../../src/gpu/program';
import { requirements } from '../../src/gpu/request_device';
import type { Op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import type { Feed } from '../../src/training/feed';
import { Fit } from '../../src/training/fit';
import { StepPrograms } from '../../src/training/step_programs';
import { time } from '../../src/tuning/measure';
import { callTimes } from './call_times';

/** The simulated time, however coarse the clock is that the engine has. */
let exactTime: () => number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  exactTime = performance.now.bind(performance);
  vi.stubGlobal('GPUBufferUsage', {});
  vi.stubGlobal('GPUShaderStage', {});
  vi.stubGlobal('GPUMapMode', {});
  // Node's event loop would rest by the clock on the wall.
  vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
});
afterEach(async () => {
  // What is in flight ends, so that nothing waits in the tests that follow.
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

interface Adapter {
  /** How many times as long as on lavapipe everything takes. */
  readonly slower: number;
  /** How many milliseconds word of the end of work is late. */
  readonly late?: number;
  /** Word of the end of work comes only at multiples of this time, in milliseconds. */
  readonly every?: number;
  /** It has no clock of its own. */
  readonly clockless?: boolean;
}

interface Times {
  times: bigint[];
}

interface Commands {
  milliseconds: number;
  /** The time of the end of everything before is written here. */
  mark?: { readonly times: bigint[]; readonly at: number };
}

/** A device that computes nothing, and takes its time for it. */
class SimulatedDevice {
  /** Milliseconds of each submission. */
  readonly submissions: number[] = [];
  /** The longest time that a command of the page would have waited, in milliseconds. */
  mostQueued = 0;
  readonly adapter: Adapter;
  readonly limits = { minUniformBufferOffsetAlignment: 256, ...requirements.limits };
  readonly features: ReadonlySet<string>;
  readonly lost = new Promise(() => {});
  readonly adapterInfo = {};
  private readonly timesOfCalls: readonly (readonly [milliseconds: number, groups: number])[];
  private bound = 0;
  private free = 0;

  constructor(adapter: Adapter, timesOfCalls: SimulatedDevice['timesOfCalls']) {
    this.adapter = adapter;
    this.features = new Set([...features, ...(adapter.clockless ? [] : ['timestamp-query'])]);
    this.timesOfCalls = timesOfCalls;
  }

  readonly queue = {
    submit: ([{ milliseconds, mark }]: readonly Commands[]) => {
      this.free = Math.max(this.free, exactTime()) + milliseconds;
      if (mark) mark.times[mark.at] = BigInt(Math.round(1e6 * this.free));
      else this.submissions.push(milliseconds);
      this.mostQueued = Math.max(this.mostQueued, this.free - exactTime());
    },
    onSubmittedWorkDone: () => this.word(),
    writeBuffer: () => {},
  };

  /** Word of the end of what is submitted. */
  private word(): Promise<void> {
    const { late = 0, every } = this.adapter;
    const now = exactTime();
    const end = Math.max(this.free, now) + late;
    const told = every ? Math.floor(end / every + 1) * every : end;
    return new Promise((resolve) => setTimeout(resolve, told - now));
  }

  /** Its times stand in what a mapped buffer shows, once they are resolved and copied. */
  createQuerySet = () => ({ times: [0n, 0n], destroy() {} });

  pushErrorScope() {}
  async popErrorScope() {
    return null;
  }
  createBuffer = () => {
    const buffer = {
      times: [0n, 0n],
      mapAsync: () => this.word(),
      getMappedRange: () => BigUint64Array.from(buffer.times).buffer,
      destroy() {},
    };
    return buffer;
  };
  createShaderModule = () => ({});
  createBindGroupLayout = () => ({});
  createPipelineLayout = () => ({});
  createComputePipelineAsync = async () => ({});
  createBindGroup = () => this.timesOfCalls[this.bound++];
  createCommandEncoder = () => {
    let [milliseconds, groups] = [0, 1];
    const commands: Commands & Record<string, unknown> = {
      milliseconds: 0,
      clearBuffer() {},
      resolveQuerySet: ({ times }: Times, _first: number, _count: number, to: Times) => {
        to.times = times;
      },
      copyBufferToBuffer: (from: Times, _at: number, to: Times) => {
        to.times = from.times;
      },
      beginComputePass: ({ timestampWrites: writes }: GPUComputePassDescriptor = {}) => ({
        setPipeline() {},
        setBindGroup: (_: number, call: (typeof this.timesOfCalls)[number]) => {
          [milliseconds, groups] = call;
        },
        dispatchWorkgroups: (_x: number, _y: number, z: number) => {
          commands.milliseconds += (milliseconds * this.adapter.slower * z) / groups;
        },
        end() {
          if (writes)
            commands.mark = {
              times: (writes.querySet as unknown as Times).times,
              at: writes.endOfPassWriteIndex!,
            };
        },
      }),
      finish: () => commands,
    };
    return commands;
  };
}

const features = new Set(['subgroups']);

const opsOf = (kind: 'gpu' | 'software') => stepOps({ batch: 64, software: kind === 'software', features });

const timesOf = (kind: 'gpu' | 'software', ops: readonly Op[]) =>
  ops.flatMap(({ kernel, layer, calls }) =>
    calls.map(({ shader, groups }) => {
      const key = `${kernel} ${layer} ${shader.name}`;
      if (!(key in callTimes[kind])) throw new Error(`call_times.ts has no ${key}: measure it.`);
      return [callTimes[kind][key], groups[2]] as const;
    }),
  );

/** Lets the simulated time go by until `promise` settles. */
async function simulated<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  for (;;) {
    // A promise settles some turns after its timer.
    for (let i = 0; i < 100 && !settled; i++) await Promise.resolve();
    if (settled) return promise;
    await vi.advanceTimersToNextTimerAsync();
  }
}

interface Training {
  readonly kind: 'gpu' | 'software';
  readonly adapter: Adapter;
  /** Milliseconds. */
  readonly asked: number;
  readonly steps: number;
}

/** The device, its program of `ops`, and the Gpu that has both. */
async function prepare(kind: Training['kind'], ops: readonly Op[], adapter: Adapter, asked: number) {
  const device = new SimulatedDevice(adapter, timesOf(kind, ops));
  const gpu = new Gpu(device as unknown as GPUDevice, { maxSubmitMilliseconds: asked });
  return { device, gpu, program: await simulated(Program.compile(gpu, 'step', ops, new Map())) };
}

/** Trains as `fit` does. Returns what was submitted, and how long the longest part of it takes and the second half of all steps took. */
async function train({ kind, adapter, asked, steps }: Training) {
  const { device, gpu, program } = await prepare(kind, opsOf(kind), adapter, asked);
  let half = 0;
  const inFlight: Promise<void>[] = [];
  for (let done = 0; done < steps; ) {
    if (done < steps / 2) half = performance.now();
    const n = Math.min(gpu.pacer.repeats(program.load), steps - done, 256);
    if (n < 1) {
      await simulated(Promise.all(inFlight.splice(0)));
      await simulated(gpu.run([program]));
      done++;
      continue;
    }
    if (inFlight.length === 2) await simulated(inFlight.shift()!);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let i = 0; i < n; i++) program.encode(pass);
    const load = new Load();
    load.addAll(program.load, n);
    inFlight.push(gpu.submit(encoder, load));
    done += n;
  }
  await simulated(Promise.all(inFlight));
  const secondHalf = performance.now() - half;
  return { submissions: device.submissions, longestPart: longestPartOf(gpu, program), secondHalf };
}

/** Milliseconds of the longest part of a program. */
const longestPartOf = (gpu: Gpu, program: Program) =>
  Math.max(
    ...Array.from({ length: program.partCount }, (_, i) => {
      const encoder = gpu.device.createCommandEncoder();
      program.encode(encoder.beginComputePass(), i, i + 1);
      return (encoder.finish() as unknown as { milliseconds: number }).milliseconds;
    }),
  );

/** Steps that a fit makes in `seconds`, after some seconds in which it finds the rates; and what the device got at once. */
async function fitFor(kind: Training['kind'], adapter: Adapter, seconds: number, asked = 12) {
  const ops = opsOf(kind);
  const { device, gpu, program } = await prepare(kind, ops, adapter, asked);
  const first = ops.findIndex(({ kernel }) => kernel === 'gradient_norm');
  const [gradients, whole] = [program.section(0, first), program.section(first, ops.length)];
  let [steps, reads, mostReads] = [0, 0, 0];
  const update: Submittable = {
    partCount: whole.partCount,
    load: whole.load,
    part: (i) => whole.part(i),
    encode(pass, from, to = whole.partCount) {
      whole.encode(pass, from, to);
      if (to === whole.partCount) steps++;
    },
  };
  const losses = {
    async submit(encoder = gpu.device.createCommandEncoder(), load?: Load) {
      const step = steps;
      mostReads = Math.max(mostReads, ++reads);
      await gpu.submit(encoder, load);
      reads--;
      return { step, records: (count: number) => Array(count).fill({ loss: 0, cause: 0 }) };
    },
  };
  const state = tensor('state', 1);
  const programs = Object.assign(Object.create(StepPrograms.prototype), {
    ...{ gpu, losses, boundBuffers: new Map([[state, {}]]), plan: { tensors: { state }, blockLayers: [] } },
    ...{ update, parts: { gradients: [], update } },
  });
  const fit = new Fit({
    ...{ gpu, programs, feed: { program: gradients, order: {} } as unknown as Feed },
    ...{ batchSize: 64, imageCount: 64_000, seed: 0, from: 0, epochs: 1000, dropLast: true },
    refusal: () => new EngineError('diverged', ''),
    comparison: { isDone: () => true, run: async () => {} },
    check() {},
    inTime: (work) => work,
  });
  const events = fit.events();
  const until = async (end: number) => {
    let count = 0;
    while (performance.now() < end && !(await simulated(events.next())).done) count++;
    return count;
  };
  await until(performance.now() + LEARNING_SECONDS * 1000);
  const made = await until(performance.now() + seconds * 1000);
  const longestPart = longestPartOf(gpu, program);
  return {
    steps: made / seconds,
    submissions: device.submissions,
    mostQueued: device.mostQueued,
    mostReads,
    longestPart,
  };
}

const LEARNING_SECONDS = 5;

const slower = [50, 10, 1, 1 / 100, 1 / 10_000];

describe.each(['gpu', 'software'] as const)('training with the kernels for %s', (kind) => {
  test.each(slower)(
    'on an adapter %d times as slow as lavapipe gets no submission longer than allowed',
    async (slower) => {
      const adapter = { slower };
      const steps = slower >= 1 ? 2 : 400;
      const { submissions } = await train({ kind, adapter, asked: 300, steps });
      expect(submissions[0]).toBeLessThan(700);
      expect(Math.max(...submissions)).toBeLessThan(600);
      const short = await train({ kind, adapter, asked: 12, steps: steps / 2 });
      expect(Math.max(...short.submissions)).toBeLessThan(Math.max(24, 1.001 * short.longestPart));
    },
  );
});

/** Tells the pacer of a submission. */
function measure(pacer: Pacer, shader: string, work: number, milliseconds: number): void {
  const load = new Load();
  load.add({ shader, work });
  load.milliseconds = milliseconds;
  pacer.measured(load);
}

test('one very long submission, or a clock that stands still, changes a predicted time at most fourfold', () => {
  for (const milliseconds of [1e9, 0]) {
    const pacer = new Pacer(300);
    const load = new Load();
    load.add({ shader: 'any', work: 1e9 });
    const expected = pacer.predict(load);
    measure(pacer, 'any', 1e9, milliseconds);
    expect(Math.abs(Math.log(pacer.predict(load) / expected))).toBeLessThanOrEqual(Math.log(4));
  }
});

test('dispatches too small to show a rate do not change what is predicted for other shaders', () => {
  const pacer = new Pacer(12);
  for (let i = 0; i < 8; i++) measure(pacer, 'large', 1e8, 10);
  for (let i = 0; i < 8; i++) measure(pacer, `small ${i}`, 1e4, 0.1);
  // The large one takes 10 ms.
  expect(pacer.millisecondsOf({ shader: 'other', work: 1e8 })).toBeLessThan(200);
});

test('a program is not submitted whole before the time of each of its shaders is known', () => {
  const pacer = new Pacer(12);
  const learn = (shader: string, work: number, milliseconds: number) => {
    for (let i = 0; i < 8; i++) measure(pacer, shader, work, milliseconds);
  };
  learn('known', 1e8, 10);
  const all = [
    { shader: 'known', work: 6e7 },
    { shader: 'new', work: 1e7 },
  ];
  const load = new Load();
  for (const part of all) load.add(part);
  const parts = { partCount: all.length, part: (i: number) => all[i], load, encode() {} };
  const filled = () => pacer.fill(new Load(), parts, 0, 12, true);
  expect(pacer.predict(load)).toBeGreaterThan(12);
  expect(pacer.predict(load)).toBeLessThan(48);
  expect(filled()).toBe(1);
  learn('new', 1e7, 20);
  expect(pacer.predict(load)).toBeGreaterThan(12);
  expect(filled()).toBe(2);
});

test.each([
  ['software', 1],
  ['software', 1 / 10],
  ['gpu', 1],
  ['gpu', 1 / 10],
] as const)(
  'with a clock of 100 ms, as Firefox has against fingerprinting, 19 of 20 submissions of 4 ms take at most 20 ms: kernels for %s, %d times as slow as on lavapipe',
  async (kind, slower) => {
    vi.spyOn(performance, 'now').mockImplementation(() => 100 * Math.floor(exactTime() / 100));
    const { submissions } = await fitFor(kind, { slower, clockless: true }, 10, 4);
    const learnt = submissions.slice(submissions.length / 2).sort((a, b) => a - b);
    expect(learnt[Math.floor(0.95 * learnt.length)]).toBeLessThanOrEqual(20);
  },
);

test('a fast adapter soon gets submissions nearly as long as asked', async () => {
  const { submissions } = await train({ kind: 'gpu', adapter: { slower: 1 / 100 }, asked: 300, steps: 800 });
  expect(submissions.at(-2)).toBeGreaterThan(200);
  expect(submissions.length).toBeLessThan(160);
});

test('notice of a submission’s end that is 250 ms late costs less than a tenth of the speed', async () => {
  const training = { kind: 'gpu', asked: 300, steps: 800 } as const;
  const { secondHalf } = await train({ ...training, adapter: { slower: 1 / 10 } });
  const late = await train({ ...training, adapter: { slower: 1 / 10, late: 250 } });
  expect(late.secondHalf).toBeLessThan(1.1 * secondHalf);
});

const fits = [
  ['software', 1],
  ['gpu', 1 / 10],
  ['gpu', 1 / 100],
  ['gpu', 1 / 1000],
] as const;

describe.each(fits)(
  'a fit with the kernels for %s, in submissions of 12 ms, %d times as slow as on lavapipe',
  (kind, slower) => {
    const delays = [{ late: 20 }, { late: 50 }, { late: 100 }, { late: 250 }, { every: 100 }];
    const withoutClock = { late: 50, clockless: true };
    let prompt: Awaited<ReturnType<typeof fitFor>>;

    test('has no more than 24 ms of work at once on the GPU, give or take errors of prediction', async () => {
      prompt = await fitFor(kind, { slower }, 2);
      expect(Math.max(...prompt.submissions)).toBeLessThan(Math.max(24, 1.001 * prompt.longestPart));
      expect(prompt.mostQueued).toBeLessThan(32);
    });

    test.each([...delays, withoutClock])(
      'keeps its limits, and most of its steps, where notice of the end is %o',
      async (delay) => {
        const late = await fitFor(kind, { slower, ...delay }, 2);
        expect(Math.max(...late.submissions)).toBeLessThan(Math.max(24, 1.001 * late.longestPart));
        expect(late.mostQueued).toBeLessThan(60);
        expect(late.mostReads).toBeLessThanOrEqual(MOST_IN_FLIGHT);
        expect(late.steps / prompt.steps).toBeGreaterThan(0.4);
      },
    );
  },
);

test('the tuner repeats no kernel for two seconds in one submission, even where notices of the end were late', async () => {
  const [op] = opsOf('gpu').filter(({ kernel }) => kernel === 'conv2d_pool');
  const { device, gpu, program } = await prepare('gpu', [op], { slower: 25 }, 300);
  gpu.latency = 250;
  const milliseconds = await simulated(time(gpu, program, Infinity));
  expect(Math.max(...device.submissions)).toBeLessThan(2000);
  const [[each]] = timesOf('gpu', [op]);
  expect(milliseconds / (25 * each)).toBeCloseTo(1);
});
