// Lines of windows of F(7x7, 5x5) in workgroup memory, for transforms of which an invocation does one line in each direction: rows are
// left there, columns taken out again. An invocation then holds a line and not the whole window, which takes few registers.
// The shader that includes this has a workgroup of 8 Lanes (x) by 11 lines (y) and declares Lane (see winograd_tile.wgsl).
#import conv2d/winograd/winograd7.wgsl

const SIDE = 11u;

var<workgroup> window: array<Lane, 968>; // [11 rows][11 columns][8 Lanes]

fn keep_row(lane: u32, row: u32, v: Eleven) {
  let at = 88u * row + lane;
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
}

fn kept_column(lane: u32, column: u32) -> Eleven {
  let at = 8u * column + lane;
  return Eleven(window[at], window[at + 88u], window[at + 176u], window[at + 264u], window[at + 352u], window[at + 440u],
    window[at + 528u], window[at + 616u], window[at + 704u], window[at + 792u], window[at + 880u]);
}
