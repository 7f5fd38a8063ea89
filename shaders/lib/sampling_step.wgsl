// What changes from step to step of sampling, in a buffer, so that several steps fit one submission. src/sampling/step.ts reads
// its layout from here. Which kernel reads what:
struct SamplingStep {
  level: f32, // t at which the network looks (same_level), and to which known pixels are brought (known_pixels)
  step: f32, // by how much of the velocity x moves (flow_step)
  correction: f32, // by how much of the velocity before (flow_step)
  guidance: f32, // 1: what the network says of a class; more: further away from what it says of none (flow_step)
  known_from: f32, // a pixel is known where the mask is at least this (known_pixels)
  pad0: f32,
  pad1: f32,
  pad2: f32,
}
