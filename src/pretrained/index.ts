/** webgpu-diffusion/pretrained: trained networks, loaded on request. */
export { loadPretrained, type PretrainedName } from './pretrained';
