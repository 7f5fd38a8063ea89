// The cross-entropy as a custom shader: it reads the last layer's output for a batch, and the labels, writes the gradient, and adds up
// losses and right answers.
const shader = /* wgsl */ `
override batch: u32;
override classes: u32;

@group(0) @binding(0) var<storage, read> logits: array<f32>; // [batch][classes]
@group(0) @binding(1) var<storage, read> labels: array<u32>; // [batch]
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>; // [batch][classes]: of the mean loss
@group(0) @binding(3) var<storage, read_write> score: array<f32, 2>; // sum of losses, right answers

var<workgroup> sums: array<vec2f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f();
  for (var n = lane; n < batch; n += 64u) {
    let first = n * classes;
    let label = labels[n];
    var best = 0u;
    for (var c = 1u; c < classes; c++) {
      if (logits[first + c] > logits[first + best]) { best = c; }
    }
    // The largest logit is subtracted, so that no power overflows.
    let top = logits[first + best];
    var total = 0.0;
    for (var c = 0u; c < classes; c++) { total += exp(logits[first + c] - top); }
    for (var c = 0u; c < classes; c++) {
      let probability = exp(logits[first + c] - top) / total;
      gradient[first + c] = (probability - f32(c == label)) / f32(batch);
    }
    sum += vec2f(log(total) + top - logits[first + label], f32(best == label));
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 64u; i++) { sum += sums[i]; }
    score[0] += sum.x;
    score[1] += sum.y;
  }
}`;

/** The loss of batches of `batch` images. `encode` leaves the gradient in `gradient`, and adds to the two numbers of `score`. */
export function createCrossEntropy(device, batch, classes) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: shader }), constants: { batch, classes } },
  });
  const gradient = device.createBuffer({ size: batch * classes * 4, usage: STORAGE | COPY_SRC });
  const score = device.createBuffer({ size: 8, usage: STORAGE | COPY_SRC | COPY_DST });
  const encode = (encoder, logits, labels) => {
    const resources = [{ buffer: logits }, labels, { buffer: gradient }, { buffer: score }];
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
  };
  return { gradient, score, encode };
}
