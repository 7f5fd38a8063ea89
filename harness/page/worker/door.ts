/** All that the page's part of the worker takes of the door beyond what the package exports: it works inside the session. */
export { createNetwork, type NewRun, type Trained, TrainingRun } from '../../../src/worker/run';
export type { SamplerCache } from '../../../src/worker/samplers';
export type { Host } from '../../../src/worker/serve_options';
export type { TrainingSession } from '../../../src/worker/session';
