/** webgpu-diffusion/files: the parts of files by themselves: IDX images and labels, safetensors, fingerprints of data, what a checkpoint says of its run. */
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
