// Lines of windows of F(8x8, 5x5) in workgroup memory, for transforms of which an invocation does one line in each direction: rows are
// left there, columns taken out again. An invocation then holds a line and not the whole window, which takes few registers.
// The shader that includes this has a workgroup of 8 Lanes (x) by 12 lines (y) and declares Lane (see winograd_tile.wgsl).
#import conv2d/winograd/winograd8.wgsl

const SIDE = 12u;

var<workgroup> window: array<Lane, 1152>; // [12 rows][12 columns][8 Lanes]

fn keep_row(lane: u32, row: u32, v: Twelve) {
  let at = 96u * row + lane;
  window[at] = v.a;
  window[at + 8u] = v.b;
  window[at + 16u] = v.c;
  window[at + 24u] = v.d;
  window[at + 32u] = v.e;
  window[at + 40u] = v.f;
  window[at + 48u] = v.g;
  window[at + 56u] = v.h;
  window[at + 64u] = v.i;
  window[at + 72u] = v.j;
  window[at + 80u] = v.k;
  window[at + 88u] = v.l;
}

fn kept_column(lane: u32, column: u32) -> Twelve {
  let at = 8u * column + lane;
  return Twelve(window[at], window[at + 96u], window[at + 192u], window[at + 288u], window[at + 384u], window[at + 480u],
    window[at + 576u], window[at + 672u], window[at + 768u], window[at + 864u], window[at + 960u],
    window[at + 1056u]);
}
