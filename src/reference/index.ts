/** The references of all kernels that a network uses, by name. */
import type { Reference } from '../plan/reference';
import { reference as adam } from './adam';
import { reference as add_gradients } from './add_gradients';
import { reference as average_weights } from './average_weights';
import { reference as chwn_to_nhwc } from './chwn_to_nhwc';
import { reference as conv2d } from './conv2d';
import { reference as conv2d_grad_input } from './conv2d_grad_input';
import { reference as conv2d_grad_kernel } from './conv2d_grad_kernel';
import { reference as conv2d_grad_pool } from './conv2d_grad_pool';
import { reference as conv2d_grad_upsample } from './conv2d_grad_upsample';
import { reference as conv2d_pool } from './conv2d_pool';
import { reference as corrupt } from './corrupt';
import { reference as corrupt_flow } from './corrupt_flow';
import { reference as corrupt_images } from './corrupt_images';
import { reference as denoise_step } from './denoise_step';
import { reference as difference } from './difference';
import { reference as draw_conditions } from './draw_conditions';
import { reference as embedding } from './embedding';
import { reference as finish_step } from './finish_step';
import { reference as flow_step } from './flow_step';
import { reference as gaussian_noise } from './gaussian_noise';
import { reference as gradient_norm } from './gradient_norm';
import { reference as image_losses } from './image_losses';
import { reference as known_pixels } from './known_pixels';
import { reference as max_pool } from './max_pool';
import { reference as max_pool_grad } from './max_pool_grad';
import { reference as mse } from './mse';
import { reference as nhwc_to_chwn } from './nhwc_to_chwn';
import { reference as pack_weights } from './pack_weights';
import { reference as paint } from './paint';
import { reference as same_level } from './same_level';
import { reference as set_update } from './set_update';
import { reference as sum_pixels } from './sum_pixels';
import { reference as sum_slices } from './sum_slices';
import { reference as swish } from './swish';
import { reference as swish_grad } from './swish_grad';
import { reference as swish_max_pool } from './swish_max_pool';
import { reference as swish_max_pool_grad } from './swish_max_pool_grad';
import { reference as swish_upsample_add } from './swish_upsample_add';
import { reference as swish_upsample_grad } from './swish_upsample_grad';
import { reference as uniform_noise } from './uniform_noise';
import { reference as unit_range } from './unit_range';
import { reference as upsample } from './upsample';
import { reference as upsample_grad } from './upsample_grad';

export const references: Readonly<Record<string, Reference<never>>> = {
  adam,
  add_gradients,
  average_weights,
  chwn_to_nhwc,
  conv2d,
  conv2d_grad_input,
  conv2d_grad_kernel,
  conv2d_grad_pool,
  conv2d_grad_upsample,
  conv2d_pool,
  corrupt,
  corrupt_flow,
  corrupt_images,
  denoise_step,
  difference,
  draw_conditions,
  embedding,
  finish_step,
  flow_step,
  gaussian_noise,
  gradient_norm,
  image_losses,
  known_pixels,
  max_pool,
  max_pool_grad,
  mse,
  nhwc_to_chwn,
  pack_weights,
  paint,
  same_level,
  set_update,
  sum_pixels,
  sum_slices,
  swish,
  swish_grad,
  swish_max_pool,
  swish_max_pool_grad,
  swish_upsample_add,
  swish_upsample_grad,
  uniform_noise,
  unit_range,
  upsample,
  upsample_grad,
};
