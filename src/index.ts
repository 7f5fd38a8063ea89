/**
 * webgpu-diffusion: a diffusion UNet that trains and samples in hand-written WGSL. The classes of objects that an engine creates are
 * exported as types only: the engine imports them when they are asked for.
 */

export type { Abortable } from './base/abort';
export { EngineError, type ErrorCode } from './base/errors';
export type { Progress, Warning } from './base/events';
export type { Dataset } from './data/dataset';
export type { ImageSet } from './data/idx';
export type { Distiller, DistilOptions } from './distilling/distiller';
export type { DistilEvent, DistillerConfig, DistillerOptions } from './distilling/options';
export type { Engine, EngineOptions } from './engine';
export { createEngine } from './engine';
export type { AdapterDescription } from './gpu/adapter';
export { requestDevice, requirements } from './gpu/request_device';
export type { BufferPart, BufferSlice } from './gpu/slice';
export type { Painter, PainterOptions } from './pictures/painter';
export type { Picture, PictureSet, Pixels } from './pictures/picture';
export { type ReadPicturesOptions, readPictures } from './pictures/read_pictures';
export type { Conditioning } from './plan/conditioning';
export type { Schedule, ScheduleOption, ScheduleOptions } from './plan/schedule';
export { type Recipe, type RecipeName, recipeAt, recipeOf, recipes, samplingFor } from './recipes';
export type { EngineReport } from './report';
export type { ResumedRun } from './resume';
export type { EncodeRunOptions, SampleEvent, SampleOptions, SamplerOptions } from './sampling/options';
export type { Sampler } from './sampling/sampler';
export type { Batch } from './training/batch';
export type { Evaluation } from './training/evaluation';
export type {
  CheckpointOptions,
  CustomBackwardOptions,
  CustomForwardOptions,
  CustomUpdateOptions,
  EvaluateOptions,
  FitOptions,
  FrameOptions,
  FrameResult,
  OptimizerState,
  RecordOptions,
  TrainerBuffers,
  TrainerConfig,
  TrainerOptions,
  TrainingEvent,
} from './training/options';
export type { AdamConfig, Objective } from './training/step_config';
export type { Trainer } from './training/trainer';
export type { TuningCache } from './trust/cache';
export { type Parameter, presets, type UNetConfig } from './unet/config';
export type { LayerMaps, LayerShape, MapKind } from './unet/layer_maps';
export type { Predictor, PredictorOptions } from './unet/predictor';
export { callsOf, type Polish, type Sampling, type SamplingMethod } from './unet/sampling';
export type { Conditions, PredictOptions, UNet, UNetOptions } from './unet/unet';
export type { Variants } from './unet/variants';
export { type LoadModelOptions, loadModel, type Model } from './weights/model';
export { saveModel } from './weights/save_model';
