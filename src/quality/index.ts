/** Measures the quality of generated digits. Needs no WebGPU. */
export { EngineError } from '../base/errors';
export { type Classified, type Classifier, loadClassifier } from './classifier';
export { createQualityMeter, type Quality, type QualityMeter } from './quality';
