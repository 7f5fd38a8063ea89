// Workgroup memory for windows, for the transforms in which an invocation does one line in each direction: it stores a row there and reads
// back a column. So it holds a line and not the whole window, which takes few registers.
// The shader that imports this has a workgroup of 8 Lanes (x) by SIDE lines (y).

alias Lane = vec2f; // two images, or two pairs of channels
#import conv2d/winograd/$form.wgsl

// Lanes from one row to the next: an odd number of columns, so that two rows which are stored at once lie in different banks.
const ROW = 8u * (SIDE | 1u);
var<workgroup> window: array<Lane, SIDE * ROW>; // [SIDE rows][SIDE columns, and one of padding if SIDE is even][8 Lanes]
