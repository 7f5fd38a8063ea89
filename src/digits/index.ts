/** webgpu-diffusion/digits: MNIST's digits. */
export { loadDigitLabels, loadDigits } from '../data/digits';
