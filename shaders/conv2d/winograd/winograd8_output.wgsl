// Winograd F(8x8, 5x5), output transform, shared by conv2d and conv2d_grad_input: Y = A' M A for every tile.
// The shader that includes this declares
//   params   see winograd_tile.wgsl;
//   freqs    M[f = 12*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements;
//   addend   what is added to all of an output channel of an image of the batch (loaded once, not per element);
//   finish   what happens to an element of Y that belongs at `at` of [channels][height][width][batch], given that addend.
// One invocation: one image of the chunk, one channel, one tile of 8x8 pixels (those inside the image). The 12 rows of M are
// transformed along x as they are loaded, then along y.
// Dispatch: x and y as in winograd_tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/winograd8.wgsl
#import conv2d/winograd/winograd_tile.wgsl

alias Lane = f32;

fn freq_row(first: u32, step: u32) -> Eight {
  return output_transform(Twelve(freqs[first], freqs[first + step], freqs[first + 2u * step], freqs[first + 3u * step],
    freqs[first + 4u * step], freqs[first + 5u * step], freqs[first + 6u * step], freqs[first + 7u * step],
    freqs[first + 8u * step], freqs[first + 9u * step], freqs[first + 10u * step], freqs[first + 11u * step]));
}

fn store(at: u32, x: u32, value: Lane, more: Lane) {
  if (x < params.width) { finish(at + x * params.batch, value, more); }
}

fn store_row(at: u32, x: u32, value: Eight, more: Lane) {
  store(at, x, value.a, more);
  store(at, x + 1u, value.b, more);
  store(at, x + 2u, value.c, more);
  store(at, x + 3u, value.d, more);
  store(at, x + 4u, value.e, more);
  store(at, x + 5u, value.f, more);
  store(at, x + 6u, value.g, more);
  store(at, x + 7u, value.h, more);
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
  var rows: array<Eight, 12>;
  // Loops, here and below, whose ends are not known when the shader is compiled: written out, this takes lavapipe several times as
  // long to compile.
  for (var r = 0u; r < min(12u, 12u * params.channels); r++) { rows[r] = freq_row(at + 12u * r * step, step); }
  let c0 = output_transform(Twelve(rows[0].a, rows[1].a, rows[2].a, rows[3].a, rows[4].a, rows[5].a,
    rows[6].a, rows[7].a, rows[8].a, rows[9].a, rows[10].a, rows[11].a));
  let c1 = output_transform(Twelve(rows[0].b, rows[1].b, rows[2].b, rows[3].b, rows[4].b, rows[5].b,
    rows[6].b, rows[7].b, rows[8].b, rows[9].b, rows[10].b, rows[11].b));
  let c2 = output_transform(Twelve(rows[0].c, rows[1].c, rows[2].c, rows[3].c, rows[4].c, rows[5].c,
    rows[6].c, rows[7].c, rows[8].c, rows[9].c, rows[10].c, rows[11].c));
  let c3 = output_transform(Twelve(rows[0].d, rows[1].d, rows[2].d, rows[3].d, rows[4].d, rows[5].d,
    rows[6].d, rows[7].d, rows[8].d, rows[9].d, rows[10].d, rows[11].d));
  let c4 = output_transform(Twelve(rows[0].e, rows[1].e, rows[2].e, rows[3].e, rows[4].e, rows[5].e,
    rows[6].e, rows[7].e, rows[8].e, rows[9].e, rows[10].e, rows[11].e));
  let c5 = output_transform(Twelve(rows[0].f, rows[1].f, rows[2].f, rows[3].f, rows[4].f, rows[5].f,
    rows[6].f, rows[7].f, rows[8].f, rows[9].f, rows[10].f, rows[11].f));
  let c6 = output_transform(Twelve(rows[0].g, rows[1].g, rows[2].g, rows[3].g, rows[4].g, rows[5].g,
    rows[6].g, rows[7].g, rows[8].g, rows[9].g, rows[10].g, rows[11].g));
  let c7 = output_transform(Twelve(rows[0].h, rows[1].h, rows[2].h, rows[3].h, rows[4].h, rows[5].h,
    rows[6].h, rows[7].h, rows[8].h, rows[9].h, rows[10].h, rows[11].h));
  let start = tile_start(tile);
  let y = start.y;
  let x = start.x;
  let first = channel * params.height * params.width * params.batch + params.first_image + image;
  let more = addend(channel, params.first_image + image);
  let outputs = array<Eight, 8>(
    Eight(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a, c6.a, c7.a),
    Eight(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b, c6.b, c7.b),
    Eight(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c, c6.c, c7.c),
    Eight(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d, c6.d, c7.d),
    Eight(c0.e, c1.e, c2.e, c3.e, c4.e, c5.e, c6.e, c7.e),
    Eight(c0.f, c1.f, c2.f, c3.f, c4.f, c5.f, c6.f, c7.f),
    Eight(c0.g, c1.g, c2.g, c3.g, c4.g, c5.g, c6.g, c7.g),
    Eight(c0.h, c1.h, c2.h, c3.h, c4.h, c5.h, c6.h, c7.h));
  for (var r = 0u; r < min(8u, params.height - y); r++) {
    store_row(first + (y + r) * params.width * params.batch, x, outputs[r], more);
  }
}
