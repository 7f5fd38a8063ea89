/** webgpu-diffusion/worker: training in a worker, for pages. A session for the worker and a client for the page (docs/worker.md). */
export type { StoredRun } from '../keeping/store';
export type { OwnProtocol, SessionClient, TrainingNews } from './client';
export { connect } from './client';
export type { CallContext, OwnCalls } from './expose';
export { expose } from './expose';
export { transfer } from './remote';
export type { Session, TurnContext } from './session';
export { createSession } from './session';
export type {
  BeginOptions,
  Phase,
  RunChanges,
  RunDescription,
  RunState,
  Samples,
  SessionEvents,
  SessionOptions,
} from './types';
