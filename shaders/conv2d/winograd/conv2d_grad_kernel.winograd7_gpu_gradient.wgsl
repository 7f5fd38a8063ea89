// Winograd F(7x7, 5x5), output gradient transform by rows, for GPUs: D[f] = A dY A' for every 7x7 tile of the gradient of the convolution.
//   grad   dY (dZ), CHWN, element ((c*height + y)*width + x)*batch + n; outside the image dY = 0
//   freqs  D[f = 11*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
// One workgroup: the tiles of 16 images at one place (or of fewer at several places) and one channel. One invocation: a row of a
// tile (7 loads, 1-D transform; 4 rows of invocations have none), then a column of what its workgroup has made of the rows.
// Dispatch: x and y as in winograd_tile.wgsl, times 11 columns; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/winograd7_gpu.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return grad[at]; }

fn tile_row(row: u32, x: i32) -> Seven {
  return Seven(pixel(row, column(x)), pixel(row, column(x + 1)), pixel(row, column(x + 2)), pixel(row, column(x + 3)),
    pixel(row, column(x + 4)), pixel(row, column(x + 5)), pixel(row, column(x + 6)));
}

fn kept_tile_column(lane: u32, column: u32) -> Seven {
  let at = 8u * column + lane;
  return Seven(window[at], window[at + 88u], window[at + 176u], window[at + 264u], window[at + 352u],
    window[at + 440u], window[at + 528u]);
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
  let y = start.y + local.y;
  if (local.y < TILE) {
    var row = Eleven(); // outside the image 0
    if (busy && y < params.height) {
      let at = ((channel * params.height + y) * params.width) * params.batch + params.first_image + mine.image;
      row = gradient_transform(tile_row(at, i32(start.x)));
    }
    keep_row(local.x, local.y, row);
  }
  workgroupBarrier();
  if (!busy) { return; }
  let step = params.channels * params.pitch;
  let first = channel * params.pitch + mine.tile * params.chunk + mine.image;
  store_column(first + local.y * step, step, gradient_transform(kept_tile_column(local.x, local.y)));
}
