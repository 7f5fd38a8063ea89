/** The state of a pipeline that is being compiled. */

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
