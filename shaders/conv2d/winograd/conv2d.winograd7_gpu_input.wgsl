// Winograd F(7x7, 5x5), input transform by rows, for GPUs: V[f] = B' X B for every 11x11 window of the input.
// Tile (ty, tx) makes outputs 7*ty .. 7*ty+6, 7*tx .. 7*tx+6; its window starts at 7*ty-2, 7*tx-2; outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = 11*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// One workgroup: the windows of 16 images at one tile (or of fewer at several tiles) and one channel. One invocation: a row of a
// window (11 loads, 1-D transform), then a column of what its workgroup has made of the rows.
// Dispatch: x and y as in winograd_tile.wgsl, times 11 rows; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/winograd7_gpu.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

fn window_row(row: u32, x: i32) -> Eleven {
  return Eleven(pixel(row, column(x)), pixel(row, column(x + 1)), pixel(row, column(x + 2)), pixel(row, column(x + 3)),
    pixel(row, column(x + 4)), pixel(row, column(x + 5)), pixel(row, column(x + 6)), pixel(row, column(x + 7)),
    pixel(row, column(x + 8)), pixel(row, column(x + 9)), pixel(row, column(x + 10)));
}

fn store_column(first: u32, step: u32, v: Eleven) {
  freqs[first] = v.a;
  freqs[first + 11u * step] = v.b;
  freqs[first + 22u * step] = v.c;
  freqs[first + 33u * step] = v.d;
  freqs[first + 44u * step] = v.e;
  freqs[first + 55u * step] = v.f;
  freqs[first + 66u * step] = v.g;
  freqs[first + 77u * step] = v.h;
  freqs[first + 88u * step] = v.i;
  freqs[first + 99u * step] = v.j;
  freqs[first + 110u * step] = v.k;
}

@compute @workgroup_size(8, 11)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  let start = tile_start(mine.tile);
  let y = i32(start.y + local.y) - 2;
  var row = Eleven(); // outside the image 0
  if (busy && y >= 0 && y < i32(params.height)) {
    let at = ((channel * params.height + u32(y)) * params.width) * params.batch + params.first_image + mine.image;
    row = input_transform(window_row(at, i32(start.x) - 2));
  }
  keep_row(local.x, local.y, row);
  workgroupBarrier();
  if (!busy) { return; }
  let step = params.channels * params.pitch;
  let first = channel * params.pitch + mine.tile * params.chunk + mine.image;
  store_column(first + local.y * step, step, input_transform(kept_column(local.x, local.y)));
}
