// Winograd F(8x8, 5x5), output transform by rows, for GPUs, shared by conv2d and conv2d_grad_input: Y = A' M A for every tile.
// The shader that includes this declares
//   params   see winograd_tile.wgsl;
//   freqs    M[f = 12*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements;
//   addend   what is added to all of an output channel of a Lane of the batch;
//   finish   what happens to an element of Y that belongs at `at` of [channels][height][width][batch], given that addend.
// One workgroup: the tiles of 16 images at one place (or of fewer at several places) and one channel. One invocation: a row of
// frequencies (12 loads, 1-D transform), then a column of 8 pixels (4 columns of invocations have none).
// Dispatch: x and y as in winograd_tile.wgsl, times 12 rows; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/winograd8_gpu.wgsl
#import conv2d/winograd/winograd_tile.wgsl

fn freq_row(first: u32, step: u32) -> Twelve {
  return Twelve(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step],
    freqs[first + 8u * step], freqs[first + 9u * step], freqs[first + 10u * step], freqs[first + 11u * step]);
}

fn keep_pixels(lane: u32, row: u32, v: Eight) {
  let at = 96u * row + lane;
  window[at] = v.a;
  window[at + 8u] = v.b;
  window[at + 16u] = v.c;
  window[at + 24u] = v.d;
  window[at + 32u] = v.e;
  window[at + 40u] = v.f;
  window[at + 48u] = v.g;
  window[at + 56u] = v.h;
}

fn store(at: u32, y: u32, value: Lane, more: Lane) {
  if (y < params.height) { finish(at + y * params.width * params.batch, value, more); }
}

fn store_column(at: u32, y: u32, v: Eight, more: Lane) {
  store(at, y, v.a, more);
  store(at, y + 1u, v.b, more);
  store(at, y + 2u, v.c, more);
  store(at, y + 3u, v.d, more);
  store(at, y + 4u, v.e, more);
  store(at, y + 5u, v.f, more);
  store(at, y + 6u, v.g, more);
  store(at, y + 7u, v.h, more);
}

@compute @workgroup_size(8, 12)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  if (busy) {
    let step = params.channels * params.pitch;
    let first = channel * params.pitch + mine.tile * params.chunk + mine.image + SIDE * local.y * step;
    keep_pixels(local.x, local.y, output_transform(freq_row(first, step)));
  }
  workgroupBarrier();
  let start = tile_start(mine.tile);
  let x = start.x + local.y;
  if (!busy || local.y >= TILE || x >= params.width) { return; }
  let image = params.first_image + mine.image;
  let at = (channel * params.height * params.width + x) * params.batch + image;
  store_column(at, start.y, output_transform(kept_column(local.x, local.y)), addend(channel, image));
}
