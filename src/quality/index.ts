/** Measures the quality of generated digits. Needs no WebGPU. */
export { type Classifier, loadClassifier } from './classifier';
