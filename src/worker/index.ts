/** webgpu-diffusion/worker: training in a worker, for pages. A client for the page and a server for the worker (docs/worker.md). */
export type { StoredRun } from '../keeping/store';
export type {
  CallOptions,
  ClientOptions,
  ClientSampleOptions,
  CustomCallOptions,
  CustomProtocol,
  NoCustomProtocol,
  StartOptions,
  TransferOptions,
  WorkerClient,
  WorkerLike,
} from './client';
export { createWorkerClient } from './client';
export type {
  BeginOptions,
  Phase,
  ResumeOptions,
  RunChanges,
  RunDescription,
  RunState,
  SampleOrder,
  Samples,
  WorkerEvents,
} from './protocol';
export { type ScopeLike, serve } from './serve';
export type { CallContext, HostCalls, ServeOptions } from './serve_options';
