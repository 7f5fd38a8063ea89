/** webgpu-diffusion/files: IDX images and labels, safetensors, fingerprints of data sets, and the types of a checkpoint's fields. */
export type { ByteContainer } from '../base/bytes';
export { type Idx, type LoadOptions, loadIdx, loadLabels, readIdx } from '../data/idx';
export type { FileSource } from '../data/source';
export { variantsForAdapter } from '../weights/checkpoint';
export type { RunSettings } from '../weights/fields';
export { assertSameData, type DataFingerprint, fingerprintImages } from '../weights/fingerprint';
export type { WeightsLayout } from '../weights/layout';
export {
  decodeSafetensors,
  encodeSafetensors,
  type FloatType,
  type NamedTensor,
  type Safetensors,
} from '../weights/safetensors';
