// Winograd F(8x8, 5x5), input transform by rows, for GPUs: V[f] = B' X B for every 12x12 window of the input.
// Tile (ty, tx) makes outputs 8*ty .. 8*ty+7, 8*tx .. 8*tx+7; its window starts at 8*ty-2, 8*tx-2; outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = 12*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// One workgroup: the windows of 16 images at one tile (or of fewer at several tiles) and one channel. One invocation: a row of a
// window (12 loads, 1-D transform), then a column of what its workgroup has made of the rows.
// Dispatch: x and y as in winograd_tile.wgsl, times 12 rows; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/winograd8_gpu.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

fn window_row(row: u32, x: i32) -> Twelve {
  return Twelve(pixel(row, column(x)), pixel(row, column(x + 1)), pixel(row, column(x + 2)), pixel(row, column(x + 3)),
    pixel(row, column(x + 4)), pixel(row, column(x + 5)), pixel(row, column(x + 6)), pixel(row, column(x + 7)),
    pixel(row, column(x + 8)), pixel(row, column(x + 9)), pixel(row, column(x + 10)), pixel(row, column(x + 11)));
}

fn store_column(first: u32, step: u32, v: Twelve) {
  freqs[first] = v.a;
  freqs[first + 12u * step] = v.b;
  freqs[first + 24u * step] = v.c;
  freqs[first + 36u * step] = v.d;
  freqs[first + 48u * step] = v.e;
  freqs[first + 60u * step] = v.f;
  freqs[first + 72u * step] = v.g;
  freqs[first + 84u * step] = v.h;
  freqs[first + 96u * step] = v.i;
  freqs[first + 108u * step] = v.j;
  freqs[first + 120u * step] = v.k;
  freqs[first + 132u * step] = v.l;
}

@compute @workgroup_size(8, 12)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  let start = tile_start(mine.tile);
  let y = i32(start.y + local.y) - 2;
  var row = Twelve(); // outside the image 0
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
