/** webgpu-diffusion/worker: training in a worker, for pages. A client for the page and what answers it (docs/worker.md). */
export type { KeptRun } from '../keeping/store';
export type {
  CallOptions,
  ClientSampleOptions,
  StartOptions,
  TransferOptions,
  WorkerClient,
  WorkerLike,
} from './client';
export { createWorkerClient } from './client';
export type { Phase } from './events';
export type {
  BeginOptions,
  ResumeOptions,
  RunDescription,
  RunState,
  SampleOrder,
  Samples,
  WorkerEvents,
} from './protocol';
export { type ScopeLike, serve } from './serve';
export type { ServeOptions } from './serve_options';
