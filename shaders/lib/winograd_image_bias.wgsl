// Params and addend of the last pass of a Winograd convolution with a bias for each image: see lib/winograd_tile.wgsl.
// The shader that includes this declares bias, and image_bias [rows][batch], of Lanes.
struct Params {
  width: u32, // of the images
  height: u32,
  tiles: u32,
  tiles_x: u32,
  channels: u32,
  batch: u32, // images in a row of the image tensor
  first_image: u32, // where this chunk starts
  chunk: u32, // images in this chunk
  pitch: u32, // of a row of frequencies
  image_bias_at: u32, // row of image_bias for channel 0
  first_group: u32,
}

fn addend(channel: u32, image: u32) -> Lane {
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.batch + image];
}
