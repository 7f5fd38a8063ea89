// A picture of many images: `columns` to a row, each pixel drawn as scale x scale, `gap` white pixels between images.
//   picture[Y][X] = 255 << 24 | B << 16 | G << 8 | R with bytes round(255 * clamp(v, 0, 1)), v or 1 - v if invert,
// of images [C][H][W][N] with C = 1 (grey) or 3 (red, green, blue), n < count; cells beyond are white.
// One invocation: one pixel of the picture.
#import lib/flat.wgsl

struct Params {
  size: u32, // pixels of the picture
  picture_width: u32,
  channels: u32,
  height: u32, // H
  width: u32, // W
  batch: u32, // N
  count: u32,
  columns: u32,
  scale: u32,
  gap: u32,
  invert: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> images: array<f32>;
@group(0) @binding(2) var<storage, read_write> picture: array<u32>;

const WHITE = 0xffffffffu;

fn byte_of(channel: u32, y: u32, x: u32, n: u32) -> u32 {
  let at = ((channel * params.height + y) * params.width + x) * params.batch + n;
  let v = clamp(images[at], 0.0, 1.0);
  return u32(255.0 * select(v, 1.0 - v, params.invert != 0u) + 0.5);
}

fn color(y: u32, x: u32) -> u32 {
  let cell_height = params.height * params.scale + params.gap;
  let cell_width = params.width * params.scale + params.gap;
  let n = y / cell_height * params.columns + x / cell_width;
  let image_y = y % cell_height / params.scale;
  let image_x = x % cell_width / params.scale;
  if (n >= params.count || image_y >= params.height || image_x >= params.width) {
    return WHITE;
  }
  let red = byte_of(0u, image_y, image_x, n);
  if (params.channels == 1u) {
    return 0xff000000u | (red << 16u) | (red << 8u) | red;
  }
  let green = byte_of(1u, image_y, image_x, n);
  let blue = byte_of(2u, image_y, image_x, n);
  return 0xff000000u | (blue << 16u) | (green << 8u) | red;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.size) {
    return;
  }
  picture[i] = color(i / params.picture_width, i % params.picture_width);
}
