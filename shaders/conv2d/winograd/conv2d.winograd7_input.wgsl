// Winograd F(7x7, 5x5), input transform: V[f] = B' X B for every 11x11 window of the input.
// Tile (ty, tx) makes outputs 7*ty .. 7*ty+6, 7*tx .. 7*tx+6; its window starts at 7*ty-2, 7*tx-2; outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = 11*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// Lane is two images: a load or store of two costs a processor less than two of one (see winograd_tile.wgsl).
// One invocation: one Lane of the chunk, one channel, one tile. Rows first (11 loads, 1-D transform), then columns. The rows are
// a loop: written out they take lavapipe three times as long to compile.
// Dispatch: x and y as in winograd_tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/winograd7.wgsl
#import conv2d/winograd/winograd_column.wgsl
#import conv2d/winograd/winograd_params.wgsl
#import conv2d/winograd/winograd_tile.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

struct Columns {
  a: Column, b: Column, c: Column, d: Column, e: Column, f: Column, g: Column, h: Column, i: Column, j: Column, k: Column
}

fn window_row(row: u32, x: Columns) -> Eleven {
  return input_transform(Eleven(pixel(row, x.a), pixel(row, x.b), pixel(row, x.c), pixel(row, x.d), pixel(row, x.e), pixel(row, x.f),
    pixel(row, x.g), pixel(row, x.h), pixel(row, x.i), pixel(row, x.j), pixel(row, x.k)));
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
  let columns = Columns(column(x), column(x + 1), column(x + 2), column(x + 3), column(x + 4), column(x + 5),
    column(x + 6), column(x + 7), column(x + 8), column(x + 9), column(x + 10));
  var rows: array<Eleven, 11>; // those outside the image stay 0
  for (var r = max(y, 0) - y; r < min(11, i32(params.height) - y); r++) {
    rows[r] = window_row(first + u32(y + r) * params.width * params.batch, columns);
  }
  let out = channel * params.pitch + tile * params.chunk + image;
  let step = params.channels * params.pitch;
  store_column(out, step, input_transform(Eleven(rows[0].a, rows[1].a, rows[2].a, rows[3].a, rows[4].a, rows[5].a,
    rows[6].a, rows[7].a, rows[8].a, rows[9].a, rows[10].a)));
  store_column(out + step, step, input_transform(Eleven(rows[0].b, rows[1].b, rows[2].b, rows[3].b, rows[4].b, rows[5].b,
    rows[6].b, rows[7].b, rows[8].b, rows[9].b, rows[10].b)));
  store_column(out + 2u * step, step, input_transform(Eleven(rows[0].c, rows[1].c, rows[2].c, rows[3].c, rows[4].c, rows[5].c,
    rows[6].c, rows[7].c, rows[8].c, rows[9].c, rows[10].c)));
  store_column(out + 3u * step, step, input_transform(Eleven(rows[0].d, rows[1].d, rows[2].d, rows[3].d, rows[4].d, rows[5].d,
    rows[6].d, rows[7].d, rows[8].d, rows[9].d, rows[10].d)));
  store_column(out + 4u * step, step, input_transform(Eleven(rows[0].e, rows[1].e, rows[2].e, rows[3].e, rows[4].e, rows[5].e,
    rows[6].e, rows[7].e, rows[8].e, rows[9].e, rows[10].e)));
  store_column(out + 5u * step, step, input_transform(Eleven(rows[0].f, rows[1].f, rows[2].f, rows[3].f, rows[4].f, rows[5].f,
    rows[6].f, rows[7].f, rows[8].f, rows[9].f, rows[10].f)));
  store_column(out + 6u * step, step, input_transform(Eleven(rows[0].g, rows[1].g, rows[2].g, rows[3].g, rows[4].g, rows[5].g,
    rows[6].g, rows[7].g, rows[8].g, rows[9].g, rows[10].g)));
  store_column(out + 7u * step, step, input_transform(Eleven(rows[0].h, rows[1].h, rows[2].h, rows[3].h, rows[4].h, rows[5].h,
    rows[6].h, rows[7].h, rows[8].h, rows[9].h, rows[10].h)));
  store_column(out + 8u * step, step, input_transform(Eleven(rows[0].i, rows[1].i, rows[2].i, rows[3].i, rows[4].i, rows[5].i,
    rows[6].i, rows[7].i, rows[8].i, rows[9].i, rows[10].i)));
  store_column(out + 9u * step, step, input_transform(Eleven(rows[0].j, rows[1].j, rows[2].j, rows[3].j, rows[4].j, rows[5].j,
    rows[6].j, rows[7].j, rows[8].j, rows[9].j, rows[10].j)));
  store_column(out + 10u * step, step, input_transform(Eleven(rows[0].k, rows[1].k, rows[2].k, rows[3].k, rows[4].k, rows[5].k,
    rows[6].k, rows[7].k, rows[8].k, rows[9].k, rows[10].k)));
}
