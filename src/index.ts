/**
 * webgpu-diffusion: a diffusion UNet that trains and samples in hand-written WGSL. The classes of objects that an engine creates are
 * exported as types only: the engine imports them when they are asked for.
 */

export { EngineError, type ErrorCode } from './base/errors';
export type { Progress, Warning } from './base/events';
export type { Dataset } from './data/dataset';
export type { ImageSet } from './data/idx';
export type { Distiller, DistilOptions } from './distilling/distiller';
export type { DistilEvent, DistillerOptions } from './distilling/options';
export type { Engine, EngineOptions } from './engine';
export { createEngine } from './engine';
export type { AdapterDescription } from './gpu/adapter';
export { requestDevice, requirements } from './gpu/request_device';
export type { BufferSlice } from './gpu/slice';
export type { Painter, PainterOptions } from './pictures/painter';
export type { Picture, Pixels } from './pictures/picture';
export { readPictures } from './pictures/read_pictures';
export type { Schedule, ScheduleOption } from './plan/schedule';
export { type Recipe, type RecipeName, recipeAt, recipes, samplingFor } from './recipes';
export type { EngineReport } from './report';
export type { ResumedRun } from './resume';
export type { EncodeRunOptions, SampleEvent, SampleOptions, SamplerOptions } from './sampling/options';
export type { Sampler } from './sampling/sampler';
export type { Activation } from './standalone/activation';
export type { Adam } from './standalone/adam';
export type { Conv2d, Conv2dShape } from './standalone/conv2d';
export type { Pooling, Upsampling } from './standalone/resampling';
export type { Batch } from './training/batch';
export type { Evaluation } from './training/evaluation';
export type {
  CheckpointOptions,
  FitOptions,
  FrameOptions,
  FrameResult,
  OptimizerState,
  TrainerBuffers,
  TrainerConfig,
  TrainerOptions,
  TrainingEvent,
} from './training/options';
export type { Objective } from './training/step_config';
export type { Trainer } from './training/trainer';
export type { TuningCache } from './trust/cache';
export { type Parameter, presets, type UNetConfig } from './unet/config';
export type { LayerMaps, MapKind } from './unet/layer_maps';
export type { Predictor, PredictorOptions } from './unet/predictor';
export type { Sampling, SamplingMethod } from './unet/sampling';
export type { PredictOptions, UNet, UNetOptions } from './unet/unet';
export type { Variants } from './unet/variants';
export { loadModel, type Model } from './weights/model';
export { saveModel } from './weights/save_model';
