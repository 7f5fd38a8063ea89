// Workgroup memory for windows, for the transforms in which an invocation does one line in each direction: it stores a row there and reads
// back a column. So it holds a line and not the whole window, which takes few registers.
// The shader that imports this has a workgroup of 8 Lanes (x) by SIDE lines (y).

alias Lane = vec2f; // two images, or two pairs of channels
#import conv2d/winograd/$form.wgsl

var<workgroup> window: array<Lane, SIDE * SIDE * 8>; // [SIDE rows][SIDE columns][8 Lanes]

const ROW = 8u * SIDE;
