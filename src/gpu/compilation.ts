/** The state of a pipeline that is being compiled. */

export interface CompiledShader {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A requested pipeline. */
export interface Compilation {
  /** Rejects with a `shader` error if the browser or driver refuses it. */
  readonly compiled: Promise<CompiledShader>;
  /** Resolves if the pipeline is not compiled by the deadline. */
  readonly late: Promise<void>;
  /** Whether the pipeline is compiled or refused. */
  ended: boolean;
  /** The start of the compilation, by `performance.now()`. */
  begun: number;
  /** Seconds of waiting since the pipeline is late, and the present wait. */
  waited: number;
  tick?: Promise<void> | undefined;
}
