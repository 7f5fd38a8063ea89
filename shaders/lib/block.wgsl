// Where the 2x2 block of vec4 `i` starts: from [C][h][w][N/4] at half size to [C][2h][2w][N/4] at full size, of which `width` = w
// and `n4` = N/4. The channel needs no index of its own: row c*h + y of the one is row 2*(c*h + y) of the other.
// The block's other three are at + n4, + row and + row + n4 with row = 2 * width * n4.
fn block_start(i: u32, width: u32, n4: u32) -> u32 {
  let n = i % n4;
  let position = i / n4;
  let x = position % width;
  let row = position / width;
  return (row * 4u * width + 2u * x) * n4 + n;
}
