/** Compiles shaders to pipelines, a few at once, and notices those that take long. */

import type { Progress } from '../base/events';
import { loaded } from '../base/load';
import { afterSeconds } from '../base/time';
import type { Shader, ShaderBinding } from '../plan/shader';

export interface CompiledShader {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A requested pipeline. */
export interface Compilation {
  /** Rejects with a `shader` error if the browser or driver refuses it. */
  readonly compiled: Promise<CompiledShader>;
  /** Resolves once the pipeline is late, or has ended: whatever awaits it must not stay in memory as long as the engine. */
  readonly late: Promise<void>;
  /** Whether the pipeline is compiled or refused. */
  ended: boolean;
  /** The start of the compilation, by `performance.now()`. */
  begun: number;
  /** Seconds of waiting since the pipeline is late, and the present wait. */
  waited: number;
  tick?: Promise<void> | undefined;
  /** Whether progress counts it as one that is still to come. */
  isAwaited: boolean;
}

/** The part of `Gpu` that a compiler needs. */
interface Host {
  readonly device: GPUDevice;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  checkAlive(): void;
  wait<T>(promise: Promise<T>): Promise<T>;
  settle<T>(promise: Promise<T>): Promise<T>;
}

/** Assumed number of cores where the runtime gives none. */
const USUAL_CORES = 4;

/** More pipelines at once would leave no core to a page that draws: its frames would stop for seconds. */
function mostAtOnce(): number {
  const { hardwareConcurrency: cores = USUAL_CORES } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  return 2 + Math.floor(cores / 2);
}

/** The pipelines of a device. */
export class Compiler {
  /** Seconds without the end of a pipeline, after which those under way are late. */
  readonly deadline: number;
  /** Milliseconds until each shader was compiled or refused, by name. */
  readonly times = new Map<string, number>();
  private readonly gpu: Host;
  private readonly compilations = new Map<string, Compilation>();
  /** Counts the shaders that are requested at the same time. */
  private counts = { done: 0, total: 0 };
  private freePlaces = mostAtOnce();
  /** Begins the deadline anew of each pipeline under way. */
  private readonly deadlines = new Set<() => void>();
  /** Compilations that wait for a free place: `key` -> start it. */
  private readonly queue = new Map<string, () => void>();
  /** Keys of pipelines that a program needs: they are compiled before those that are only measured or compared. */
  private readonly needed = new Set<string>();

  constructor(gpu: Host, deadline: number) {
    this.gpu = gpu;
    this.deadline = deadline;
  }

  /** The pipeline of a shader, compiled once per text: a tool may give a shader another text. */
  pipeline(shader: Shader, isNeeded = true): Compilation {
    const key = `${shader.name} ${shader.hash}`;
    if (isNeeded) this.needed.add(key);
    return this.compilations.get(key) ?? this.begin(key, shader);
  }

  /** Whether any pipeline is awaited. */
  get isCompiling(): boolean {
    return this.counts.total > 0;
  }

  /** Reports a kernel whose pipeline is late, and awaited. */
  tellLate(compilation: Compilation, kernel: string, seconds: number): void {
    if (!compilation.isAwaited) this.counts.total++;
    compilation.isAwaited = true;
    this.gpu.onProgress?.({ task: 'compiling', ...this.counts, kernel, seconds });
  }

  /** Counts a pipeline as done: it has ended, or nothing awaits it any more. */
  count(compilation: Compilation): void {
    if (!compilation.isAwaited) return;
    compilation.isAwaited = false;
    const { counts } = this;
    counts.done++;
    this.gpu.onProgress?.({ task: 'compiling', ...counts });
    if (counts.done === counts.total) this.counts = { done: 0, total: 0 };
  }

  private begin(key: string, shader: Shader): Compilation {
    let isLate = () => {};
    const late = new Promise<void>((resolve) => {
      isLate = resolve;
    });
    const givePlaceUp = () => {
      isLate();
      // The tuner and the comparison at size do without it.
      if (!this.needed.has(key)) this.count(compilation);
    };
    const begun = async () => {
      this.gpu.checkAlive();
      // In the order of the requests, not in the one in which their texts come.
      await this.takePlace(key);
      compilation.begun = performance.now();
      try {
        return await this.watched(compileShader(this.gpu, shader), givePlaceUp);
      } finally {
        this.times.set(shader.name, performance.now() - compilation.begun);
      }
    };
    this.counts.total++;
    const compiled = begun().finally(() => {
      compilation.ended = true;
      isLate();
      this.count(compilation);
    });
    const compilation: Compilation = {
      compiled,
      late,
      ended: false,
      begun: 0,
      waited: 0,
      isAwaited: true,
    };
    this.compilations.set(key, compilation);
    compiled.catch(() => this.compilations.delete(key)); // the network, or memory, may be back next time
    return compilation;
  }

  private async takePlace(key: string): Promise<void> {
    if (this.freePlaces > 0) this.freePlaces--;
    else await new Promise<void>((resolve) => this.queue.set(key, resolve));
  }

  /**
   * Settles as `compiling` does, which has a place until then, or until it is late: no pipeline has ended for a deadline. Safari up to 26.6
   * compiles one after the other (WebKit PR#73881), so one that has begun may only wait for others.
   */
  private watched<T>(compiling: Promise<T>, isLate: () => void): Promise<T> {
    const { deadlines } = this;
    let stop = () => {};
    const leave = () => {
      stop();
      if (deadlines.delete(begin)) this.leavePlace();
    };
    const late = () => {
      leave();
      isLate();
    };
    const begin = () => {
      stop();
      stop = afterSeconds(this.deadline, late);
    };
    deadlines.add(begin);
    begin();
    return compiling.finally(() => {
      leave();
      for (const beginAgain of deadlines) beginAgain();
    });
  }

  private leavePlace(): void {
    const { queue, needed } = this;
    const waiting = [...queue.keys()];
    const next = waiting.find((key) => needed.has(key)) ?? waiting[0];
    queue.get(next)?.();
    if (!queue.delete(next)) this.freePlaces++;
  }
}

async function compileShader(gpu: Host, shader: Shader): Promise<CompiledShader> {
  const code = await loaded(shader.code());
  gpu.checkAlive();
  const { device } = gpu;
  const entries: GPUBindGroupLayoutEntry[] = Object.values<ShaderBinding>(shader.bindings).map(
    ({ binding, access }) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
    }),
  );
  if (shader.params.size > 0) {
    // minBindingSize makes the browser check the struct's size in the shader against ours.
    entries.push({
      binding: 0,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: 'uniform', hasDynamicOffset: true, minBindingSize: shader.params.size },
    });
  }
  device.pushErrorScope('validation');
  const layout = device.createBindGroupLayout({ label: shader.name, entries });
  const module = device.createShaderModule({ label: shader.name, code });
  const pipeline = device.createComputePipelineAsync({
    label: shader.name,
    layout: device.createPipelineLayout({ label: shader.name, bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  const scope = device.popErrorScope();
  try {
    const [compiled, error] = await Promise.all([gpu.wait(pipeline), gpu.settle(scope)]);
    if (error) throw error;
    return { pipeline: compiled, layout };
  } catch (error) {
    gpu.checkAlive();
    throw await (await loaded(import('./trouble'))).refusedShader(shader, code, module, error);
  }
}
