/** Most steps of one run. By itself, as a program that reads it needs no sampler. */
export const MAX_SAMPLING_STEPS = 1000;
