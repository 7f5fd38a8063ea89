// A picture of many images in rows, as texels of four bytes: each value v becomes 255 * (scale * v + offset), rounded, from 0 to 255.
// images is [count][height][width][channels], with 1 channel (grey), 3 (red, green, blue) or 4 (and alpha); picture is
// [rows * height][pitch], of which the first columns * width words of a row are texels. Texels without an image are 0.
// One invocation: one texel.
#import lib/flat.wgsl

struct Params {
  words: u32, // of the picture
  pitch: u32, // words from row to row
  width: u32, // of an image, as the height
  height: u32,
  channels: u32,
  columns: u32,
  count: u32,
  scale: f32,
  offset: f32,
  bgra: u32, // whether blue is the first byte
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<f32>;
@group(0) @binding(2) var<storage, read_write> picture: array<u32>;

fn byte_of(value: f32) -> u32 {
  return u32(255.0 * clamp(params.scale * value + params.offset, 0.0, 1.0) + 0.5);
}

fn texel(at: u32) -> u32 {
  let red = byte_of(images[at]);
  if (params.channels == 1u) {
    return 0xff000000u | (red * 0x010101u);
  }
  let green = byte_of(images[at + 1u]);
  let blue = byte_of(images[at + 2u]);
  var alpha = 255u;
  if (params.channels == 4u) {
    alpha = byte_of(images[at + 3u]);
  }
  let first = select(red, blue, params.bgra != 0u);
  let third = select(blue, red, params.bgra != 0u);
  return first | (green << 8u) | (third << 16u) | (alpha << 24u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.words) {
    return;
  }
  let x = i % params.pitch;
  let y = i / params.pitch;
  let column = x / params.width;
  let image = y / params.height * params.columns + column;
  var word = 0u;
  if (column < params.columns && image < params.count) {
    let pixel = (image * params.height + y % params.height) * params.width + x % params.width;
    word = texel(pixel * params.channels);
  }
  picture[i] = word;
}
