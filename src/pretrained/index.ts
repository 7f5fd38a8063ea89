/** webgpu-diffusion/pretrained: trained networks, loaded on request. */
export { enlarge } from './enlarge';
export { loadPretrained, type PretrainedName } from './pretrained';
