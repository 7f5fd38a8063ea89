/** webgpu-diffusion/files: IDX images and labels, fingerprints of data sets. */
export { loadIdx, loadLabels } from '../data/idx';
export { type DataFingerprint, fingerprintImages } from '../weights/fingerprint';
