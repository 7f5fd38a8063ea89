// Winograd F(4x4, 5x5), output transform, shared by conv2d and conv2d_grad_input: Y = A' M A for every tile.
// The shader that includes this declares
//   params   see winograd_tile.wgsl;
//   freqs    M[f = 8*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements;
//   addend   what is added to all of an output channel of an image of the batch (loaded once, not per element);
//   finish   what happens to an element of Y that belongs at `at` of [channels][height][width][batch], given that addend.
// One invocation: one image of the chunk, one channel, one tile of 4x4 pixels (those inside the image). The 8 rows of M are
// transformed along x as they are loaded and summed into the 16 outputs pair by pair.
// Dispatch: x and y as in winograd_tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/winograd4.wgsl
#import conv2d/winograd/winograd_tile.wgsl

alias Lane = f32;

fn freq_row(first: u32, step: u32) -> Four {
  return output_transform(Eight(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step]));
}

fn store(at: u32, x: u32, value: Lane, more: Lane) {
  if (x < params.width) { finish(at + x * params.batch, value, more); }
}

fn store_row(first: u32, y: u32, x: u32, value: Four, more: Lane) {
  if (y >= params.height) { return; }
  let at = first + y * params.width * params.batch;
  store(at, x, value.a, more);
  store(at, x + 1u, value.b, more);
  store(at, x + 2u, value.c, more);
  store(at, x + 3u, value.d, more);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let mine = place(group, lane, 32u);
  let image = mine.image;
  let tile = mine.tile;
  let channel = group.z + params.first_group;
  if (image >= params.chunk || tile >= params.tiles) { return; }
  let step = params.channels * params.pitch;
  let at = channel * params.pitch + tile * params.chunk + image;
  let r0 = freq_row(at, step);
  let r1 = freq_row(at + 8u * step, step);
  let r2 = freq_row(at + 16u * step, step);
  let r3 = freq_row(at + 24u * step, step);
  let r4 = freq_row(at + 32u * step, step);
  let r5 = freq_row(at + 40u * step, step);
  let r6 = freq_row(at + 48u * step, step);
  let r7 = freq_row(at + 56u * step, step);
  let c0 = output_transform(Eight(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a, r6.a, r7.a));
  let c1 = output_transform(Eight(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b, r6.b, r7.b));
  let c2 = output_transform(Eight(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c, r6.c, r7.c));
  let c3 = output_transform(Eight(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d, r6.d, r7.d));
  let start = tile_start(tile);
  let y = start.y;
  let x = start.x;
  let first = channel * params.height * params.width * params.batch + params.first_image + image;
  let more = addend(channel, params.first_image + image);
  store_row(first, y, x, Four(c0.a, c1.a, c2.a, c3.a), more);
  store_row(first, y + 1u, x, Four(c0.b, c1.b, c2.b, c3.b), more);
  store_row(first, y + 2u, x, Four(c0.c, c1.c, c2.c, c3.c), more);
  store_row(first, y + 3u, x, Four(c0.d, c1.d, c2.d, c3.d), more);
}
