// Winograd F(4x4, 5x5), output gradient transform: D[f] = A dY A' for every 4x4 tile of the gradient of the convolution.
//   grad   dY (dZ), CHWN, element ((c*height + y)*width + x)*batch + n; outside the image dY = 0
//   freqs  D[f = 8*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
// One invocation: one image of the chunk, one channel, one tile. Rows first, then columns.
// Dispatch: x and y as in winograd_tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.

#import conv2d/winograd/winograd4.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

alias Lane = f32;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return grad[at]; }

struct Columns { a: Column, b: Column, c: Column, d: Column }

fn tile_row(first: u32, y: u32, x: Columns) -> Eight {
  if (y >= params.height) { return Eight(); }
  let row = first + y * params.width * params.batch;
  return gradient_transform(Four(pixel(row, x.a), pixel(row, x.b), pixel(row, x.c), pixel(row, x.d)));
}

fn store_column(first: u32, step: u32, v: Eight) {
  freqs[first] = v.a;
  freqs[first + 8u * step] = v.b;
  freqs[first + 16u * step] = v.c;
  freqs[first + 24u * step] = v.d;
  freqs[first + 32u * step] = v.e;
  freqs[first + 40u * step] = v.f;
  freqs[first + 48u * step] = v.g;
  freqs[first + 56u * step] = v.h;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let mine = place(group, lane, 32u);
  let image = mine.image;
  let tile = mine.tile;
  let channel = group.z + params.first_group;
  if (image >= params.chunk || tile >= params.tiles) { return; }
  let start = tile_start(tile);
  let y = start.y;
  let x = i32(start.x);
  let first = channel * params.height * params.width * params.batch + params.first_image + image;
  let columns = Columns(column(x), column(x + 1), column(x + 2), column(x + 3));
  let r0 = tile_row(first, y, columns);
  let r1 = tile_row(first, y + 1u, columns);
  let r2 = tile_row(first, y + 2u, columns);
  let r3 = tile_row(first, y + 3u, columns);
  let out = channel * params.pitch + tile * params.chunk + image;
  let step = params.channels * params.pitch;
  store_column(out, step, gradient_transform(Four(r0.a, r1.a, r2.a, r3.a)));
  store_column(out + step, step, gradient_transform(Four(r0.b, r1.b, r2.b, r3.b)));
  store_column(out + 2u * step, step, gradient_transform(Four(r0.c, r1.c, r2.c, r3.c)));
  store_column(out + 3u * step, step, gradient_transform(Four(r0.d, r1.d, r2.d, r3.d)));
  store_column(out + 4u * step, step, gradient_transform(Four(r0.e, r1.e, r2.e, r3.e)));
  store_column(out + 5u * step, step, gradient_transform(Four(r0.f, r1.f, r2.f, r3.f)));
  store_column(out + 6u * step, step, gradient_transform(Four(r0.g, r1.g, r2.g, r3.g)));
  store_column(out + 7u * step, step, gradient_transform(Four(r0.h, r1.h, r2.h, r3.h)));
}
