/** webgpu-diffusion/worker: training in a worker, for pages. A client for the page and a server for the worker (docs/worker.md). */
export type { StoredRun } from '../keeping/store';
export type {
  CustomProtocol,
  WorkerClient,
} from './client';
export { createWorkerClient } from './client';
export type {
  BeginOptions,
  Phase,
  RunChanges,
  RunDescription,
  RunState,
  Samples,
  WorkerEvents,
} from './protocol';
export { serve } from './serve';
export type { CallContext, HostCalls, ServeOptions } from './serve_options';
