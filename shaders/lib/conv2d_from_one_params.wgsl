// Params of a convolution of a single channel: see lib/conv2d_from_one.wgsl.
struct Params {
  height: u32,
  width: u32,
  images: u32, // N, or N / 2
  channels: u32, // made
  padded: u32, // channels, rounded up to 8
  each: u32, // channels that an invocation makes
  first_group: u32,
}
