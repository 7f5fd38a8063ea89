// Winograd F(4x4, 5x5), input transform: V[f] = B' X B for every 8x8 window of the input.
// Tile (ty, tx) makes outputs 4*ty .. 4*ty+3, 4*tx .. 4*tx+3; its window starts at 4*ty-2, 4*tx-2; outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = 8*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// One invocation: one image of the chunk, one channel, one tile. Rows first (8 loads, 1-D transform), then columns.
// Dispatch: x and y as in winograd_tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.

#import conv2d/winograd/winograd4.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

alias Lane = f32;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

struct Columns { a: Column, b: Column, c: Column, d: Column, e: Column, f: Column, g: Column, h: Column }

// With `|`: the branch of `||` costs SwiftShader more than the comparison.
fn window_row(first: u32, y: i32, x: Columns) -> Eight {
  if ((y < 0) | (y >= i32(params.height))) { return Eight(); }
  let row = first + u32(y) * params.width * params.batch;
  return input_transform(Eight(pixel(row, x.a), pixel(row, x.b), pixel(row, x.c), pixel(row, x.d),
    pixel(row, x.e), pixel(row, x.f), pixel(row, x.g), pixel(row, x.h)));
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
  let y = i32(start.y) - 2;
  let x = i32(start.x) - 2;
  let first = channel * params.height * params.width * params.batch + params.first_image + image;
  let columns = Columns(column(x), column(x + 1), column(x + 2), column(x + 3),
    column(x + 4), column(x + 5), column(x + 6), column(x + 7));
  let r0 = window_row(first, y, columns);
  let r1 = window_row(first, y + 1, columns);
  let r2 = window_row(first, y + 2, columns);
  let r3 = window_row(first, y + 3, columns);
  let r4 = window_row(first, y + 4, columns);
  let r5 = window_row(first, y + 5, columns);
  let r6 = window_row(first, y + 6, columns);
  let r7 = window_row(first, y + 7, columns);
  let out = channel * params.pitch + tile * params.chunk + image;
  let step = params.channels * params.pitch;
  store_column(out, step, input_transform(Eight(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a, r6.a, r7.a)));
  store_column(out + step, step, input_transform(Eight(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b, r6.b, r7.b)));
  store_column(out + 2u * step, step, input_transform(Eight(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c, r6.c, r7.c)));
  store_column(out + 3u * step, step, input_transform(Eight(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d, r6.d, r7.d)));
  store_column(out + 4u * step, step, input_transform(Eight(r0.e, r1.e, r2.e, r3.e, r4.e, r5.e, r6.e, r7.e)));
  store_column(out + 5u * step, step, input_transform(Eight(r0.f, r1.f, r2.f, r3.f, r4.f, r5.f, r6.f, r7.f)));
  store_column(out + 6u * step, step, input_transform(Eight(r0.g, r1.g, r2.g, r3.g, r4.g, r5.g, r6.g, r7.g)));
  store_column(out + 7u * step, step, input_transform(Eight(r0.h, r1.h, r2.h, r3.h, r4.h, r5.h, r6.h, r7.h)));
}
