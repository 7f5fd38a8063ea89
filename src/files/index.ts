/** webgpu-diffusion/files: IDX images and labels, safetensors, fingerprints of data sets. */
export type { ByteContainer } from '../base/bytes';
export { type Idx, type LoadOptions, loadIdx, loadLabels, readIdx } from '../data/idx';
export type { FileSource } from '../data/source';
export { encodeSafetensors } from '../weights/encode';
export { type DataFingerprint, fingerprintImages } from '../weights/fingerprint';
export type { WeightsLayout } from '../weights/layout';
export type { RunSettings } from '../weights/run_fields';
export {
  decodeSafetensors,
  type FloatType,
  type NamedTensor,
  type Safetensors,
} from '../weights/safetensors';
