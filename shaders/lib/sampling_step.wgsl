// The values that change from one sampling step to the next, in a buffer, so that one submission can hold several steps.
// src/plan/sampling_step.ts reads its layout from here. The kernels that read a field are in brackets:
struct SamplingStep {
  level: f32, // t of the network's input (same_level), and the noise level of known pixels (known_pixels)
  step: f32, // factor of the velocity in the change of x (flow_step)
  correction: f32, // factor of the previous velocity in it (flow_step)
  guidance: f32, // 1: the prediction with a class; more: further away from the prediction without one (flow_step)
  known_from: f32, // a pixel is known where the mask is at least this (known_pixels)
  seed: u32, // of the noise at the start of a run (noise)
  pad0: f32,
  pad1: f32,
}
