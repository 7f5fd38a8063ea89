// Runs before adam: computes a training step's loss and the norm of all its gradients, checks that both are finite, and advances the step
// state.
//   loss = sum of squares / (count * elements),  norm = sqrt(sum of gradient_squares),
//   gradient_scale = min(1, clip / (norm + 1e-6)), as in clip_grad_norm_ of PyTorch,
//   records[step % ring] = (loss, rate, norm, cause), where rate is adam's: the base rate times the schedule's factor.
// If both are finite, cause and `skipped` are 0, and the state advances: the step number, the batch, and the bias corrections 1 - beta^step
// by the recurrence
//   1 - beta^t = (1 - beta^(t-1)) * beta + (1 - beta),
// since 1 - pow(beta, t) cancels in f32. (The moments follow the same recurrence, so even its rounding largely drops out.)
// If not, cause is 1 (the loss) or 2 + k (the gradients of block k), and `skipped` counts the step: adam and average_weights then do
// nothing.
// Up to most_skipped such steps in a row are skipped: the state advances, except the corrections, since the moments have not changed. One
// more ends the run. It does not count as a step: its record goes to records[ring], behind the ring, and neither the state nor anything
// after it changes until the host sets `skipped` to 0.
// One workgroup does everything, in a fixed order.
#import lib/reduce.wgsl
#import lib/step_state.wgsl
#import lib/turns.wgsl

struct Params {
  loss_partials: u32,
  gradient_partials: u32,
  convolution_partials: u32, // number of the first ones, of convolutions; the rest are of the conditioning layers
  elements: u32, // of one image
  batch_size: u32, // images in every batch but the last of an epoch
  ring: u32,
  most_skipped: u32,
  beta1: f32,
  beta2: f32,
  one_minus_beta1: f32,
  one_minus_beta2: f32,
}

// Sums of squares, bound as bits: a WGSL compiler may assume that no f32 is infinite or NaN, but nothing about the contents of memory.
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> squares: array<u32>;
@group(0) @binding(2) var<storage, read> gradient_squares: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: StepState;
@group(0) @binding(4) var<storage, read_write> records: array<vec4f>;

// The bit LOSS or GRADIENT, or both, if any of their partial sums is not finite.
var<workgroup> found: atomic<u32>;
const LOSS = 1u;
const GRADIENT = 2u;

alias Summand = vec2f;
// Scales the partial sums, so that a million of any finite size have a finite sum. A power of 4 is exact in sums, quotients and roots.
const SCALE = 1.0 / 1048576.0;
const ROOT_OF_SCALE = 1.0 / 1024.0;

fn is_finite(bits: u32) -> bool {
  return (bits & 0x7f800000u) != 0x7f800000u;
}

// The block whose sum is not finite. Of several, the one that the backward pass reaches first: the last convolution's. The backward
// pass ends with the conditioning layers.
fn bad_block() -> u32 {
  var at = 0u;
  for (var i = 0u; i < params.gradient_partials; i++) {
    let k = (params.convolution_partials + i) % params.gradient_partials;
    at = select(k, at, is_finite(gradient_squares[k]));
  }
  return at;
}

// The factor of the base rate for the step after `completed` steps: rateFactor of src/plan/schedule.ts. Exactly 1 without a schedule.
fn rate_factor(completed: u32) -> f32 {
  if (completed < state.warmup) {
    return f32(completed + 1u) / f32(state.warmup);
  }
  if (state.decay_end == 0u) {
    return 1.0;
  }
  let end = state.decay_end & 0x7fffffffu;
  let left = f32(max(end, completed) - completed) / f32(end - state.warmup);
  // (1 + cos(pi t)) / 2 is cos(pi t / 2)^2, which does not cancel at the end: at t = 1 it is exactly 0.
  let wave = cos_turns(vec4f(0.25 * (1.0 - left))).x;
  return state.floor + (1.0 - state.floor) * select(min(1.0, 2.0 * left), wave * wave, end == state.decay_end);
}

fn finish(sum: vec2f, not_finite: u32) {
  if (state.skipped > params.most_skipped) {
    return;
  }
  let loss = sum.x / (f32(state.count * params.elements) * SCALE);
  let norm = sqrt(sum.y) / ROOT_OF_SCALE;
  let rate = state.learning_rate * rate_factor(state.step);
  var cause = 0u;
  if ((not_finite & LOSS) != 0u) {
    cause = 1u;
  } else if (not_finite != 0u) {
    cause = 2u + bad_block();
  }
  state.skipped = select(state.skipped + 1u, 0u, cause == 0u);
  let ends = state.skipped > params.most_skipped;
  records[select(state.step % params.ring, params.ring, ends)] = vec4f(loss, rate, norm, f32(cause));
  if (ends) {
    return;
  }
  if (cause == 0u) {
    state.rate = rate;
    state.gradient_scale = min(1.0, state.clip / (norm + 1e-6));
    state.correction1 = state.correction1 * params.beta1 + params.one_minus_beta1;
    state.correction2 = state.correction2 * params.beta2 + params.one_minus_beta2;
  }
  state.step += 1u;
  var start = state.batch_start + state.count;
  if (start >= state.epoch_size) {
    start = 0u;
  }
  state.batch_start = start;
  state.count = min(params.batch_size, state.epoch_size - start);
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = vec2f();
  var not_finite = 0u;
  for (var k = local; k < params.loss_partials; k += 64u) {
    sum.x += bitcast<f32>(squares[k]) * SCALE;
    not_finite |= select(LOSS, 0u, is_finite(squares[k]));
  }
  for (var k = local; k < params.gradient_partials; k += 64u) {
    sum.y += bitcast<f32>(gradient_squares[k]) * SCALE;
    not_finite |= select(GRADIENT, 0u, is_finite(gradient_squares[k]));
  }
  // Some drivers leave garbage in workgroup memory.
  if (local == 0u) {
    atomicStore(&found, 0u);
  }
  workgroupBarrier();
  atomicOr(&found, not_finite);
  let all = workgroup_sum(sum, local);
  if (local == 0u) {
    finish(all, atomicLoad(&found));
  }
}
