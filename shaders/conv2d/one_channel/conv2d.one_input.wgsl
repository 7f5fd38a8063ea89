// A convolution for one input channel and a 5x5 or 3x3 kernel: see one_input.wgsl. The input gradient of one output channel is one, too: of
// the output's gradient, with flipped taps, without biases. output [channels][H][W][images].
#import conv2d/one_channel/one_input.wgsl
#import lib/biases.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> image_bias: array<Lane>;
@group(0) @binding(5) var<storage, read_write> output: array<Lane>;

fn finish(place: Place, o: u32, sums: Patch) {
  let row = params.width * params.images;
  let upper = (o * params.height + place.y) * row + place.x * params.images + place.n;
  let lower = upper + row;
  let rows = min(2u, params.height - place.y);
  if (place.columns == 4u && rows == 2u) {
    output[upper] = sums.a0;
    output[upper + params.images] = sums.a1;
    output[upper + 2u * params.images] = sums.a2;
    output[upper + 3u * params.images] = sums.a3;
    output[lower] = sums.b0;
    output[lower + params.images] = sums.b1;
    output[lower + 2u * params.images] = sums.b2;
    output[lower + 3u * params.images] = sums.b3;
  } else {
    let a = array<Lane, 4>(sums.a0, sums.a1, sums.a2, sums.a3);
    let b = array<Lane, 4>(sums.b0, sums.b1, sums.b2, sums.b3);
    for (var k = 0u; k < place.columns; k++) {
      output[upper + k * params.images] = a[k];
      if (rows == 2u) { output[lower + k * params.images] = b[k]; }
    }
  }
}
