/** webgpu-diffusion/kernels: the types of single kernels, which an engine creates (`engine.createConv2d` and others). */
export type { Activation, ActivationNext, ActivationOptions } from './activation';
export type { Adam, AdamOptions, AdamUpdate } from './adam';
export type { Conv2d, Conv2dOptions, Conv2dShape } from './conv2d';
export type { ImageLayout, ImagesShape, LayoutOptions } from './passes';
export type { Pooling, Upsampling } from './resampling';
