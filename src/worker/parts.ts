/** What a session loads at its first call. */
export { asBytes, isBytes } from '../base/bytes';
export { createEngine } from '../engine';
export { stepIn } from '../keeping/slots';
export { checkFit, checkTrainer } from '../training/options';
export { checkConfig, defaultConfig } from '../unet/config';
export { loadCheckpoint } from '../weights/checkpoint';
export { loadModel } from '../weights/model';
export { saveModel } from '../weights/save_model';
export { TrainingRun } from './run';
export { SamplerCache } from './samplers';
export { StoredRuns } from './stored_runs';
