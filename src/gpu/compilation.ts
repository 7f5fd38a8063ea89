/** What is known of a pipeline that is being compiled. */

export interface CompiledShader {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A pipeline that is asked for. */
export interface Compilation {
  /** Rejects with a `shader` error if the browser or driver refuses it. */
  readonly compiled: Promise<CompiledShader>;
  /** Resolves if it has not come by the deadline. */
  readonly late: Promise<void>;
  /** Whether it has come, or was refused. */
  ended: boolean;
  /** When its turn came, by `performance.now()`. */
  begun: number;
  /** For how many seconds it has been waited for since it is late, and the wait that is under way. */
  waited: number;
  tick?: Promise<void> | undefined;
}
