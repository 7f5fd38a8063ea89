/** How good generated digits are, in numbers. Needs no WebGPU. */
export { EngineError } from '../base/errors';
export { type Classified, type Classifier, loadClassifier } from './classifier';
export { createQualityMeter, type Quality, type QualityMeter } from './quality';
