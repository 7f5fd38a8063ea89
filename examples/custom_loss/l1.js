// The mean absolute error as a custom shader: it reads the network's output and the target, and writes the loss and its gradient.
const shader = /* wgsl */ `
override scale: f32; // 1 / the number of values that the mean is over

@group(0) @binding(0) var<storage, read> output: array<f32>;
@group(0) @binding(1) var<storage, read> truth: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = lane; i < arrayLength(&gradient); i += 256u) {
    let difference = output[i] - truth[i];
    gradient[i] = scale * sign(difference);
    sum += abs(difference);
  }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < 256u; i++) {
      sum += sums[i];
    }
    loss[0] += scale * sum;
  }
}`;

/**
 * The loss of batches with `values` values each, a step of `batches` of them. `encode` adds a batch's loss to `loss`, and leaves its
 * gradient in `gradient`.
 */
export function createL1(device, values, batches = 1) {
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const pipeline = device.createComputePipeline({
    layout: 'auto',
    compute: {
      module: device.createShaderModule({ code: shader }),
      constants: { scale: 1 / (values * batches) },
    },
  });
  const gradient = device.createBuffer({ size: values * 4, usage: STORAGE | COPY_SRC });
  const loss = device.createBuffer({ size: 4, usage: STORAGE | COPY_SRC | COPY_DST });
  const encode = (encoder, output, truth) => {
    const entries = [output, truth, gradient, loss].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(1);
    pass.end();
  };
  return { gradient, loss, encode };
}
