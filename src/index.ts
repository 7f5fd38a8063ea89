/** webgpu-diffusion: a diffusion UNet that trains and samples in hand-written WGSL. */
export { Dataset } from './data/dataset';
export { loadDigitLabels, loadDigits } from './data/digits';
export { type Idx, type ImageSet, type LoadOptions, loadIdx, loadLabels, readIdx } from './data/idx';
export type { FileSource } from './data/source';
export { type AdapterDescription, type Progress, requestDevice, requirements } from './device';
export { createEngine, Engine, type EngineOptions } from './engine';
export { EngineError, type ErrorCode } from './errors';
export {
  MAX_SAMPLING_STEPS,
  type SampleEvent,
  type SampleOptions,
  Sampler,
  type SamplerOptions,
} from './sampling/sampler';
export type { AdamSettings } from './training/step';
export {
  type Batch,
  type FitOptions,
  type OptimizerState,
  Trainer,
  type TrainerOptions,
  type TrainingEvent,
} from './training/trainer';
export type { TuningCache } from './tuning/cache';
export { defaultConfig, type Parameter, type UNetConfig } from './unet/config';
export { Predictor, type PredictorOptions } from './unet/predictor';
export { UNet } from './unet/unet';
export type { Variants } from './unet/variants';
export {
  type Checkpoint,
  checkSameData,
  type DataFingerprint,
  fingerprint,
  loadCheckpoint,
  loadModel,
  type Model,
  type RunSettings,
  saveCheckpoint,
  saveModel,
  variantsOn,
} from './weights/checkpoint';
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  type Safetensors,
} from './weights/safetensors';
