// Params of a convolution of a single channel whose sums begin with a bias for each image: see lib/conv2d_from_one.wgsl.
// The shader that includes this declares bias, and image_bias [rows][images].
struct Params {
  height: u32,
  width: u32,
  images: u32, // N, or N / 2
  channels: u32, // made
  padded: u32, // channels, rounded up to 8
  each: u32, // channels that an invocation makes
  image_bias_at: u32, // row of image_bias for channel 0
  first_group: u32,
}

fn start(channel: u32, n: u32) -> Lane {
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.images + n];
}
