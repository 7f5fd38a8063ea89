// Params of the Winograd transforms of images to frequencies and back: see tile.wgsl.
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
  biases: u32, // of the output transform: see lib/biases.wgsl
  image_bias_at: u32,
  first_group: u32,
}
