// The start of the 2x2 block of vec4 `i`: `i` is an index of [C][h][w][N/4], at half size, the block lies in [C][2h][2w][N/4], at full
// size; `width` = w, `n4` = N/4. The channel needs no separate index: row c*h + y at half size becomes row 2*(c*h + y) at full size.
// The other three vec4s of the block are at + n4, + row and + row + n4 with row = 2 * width * n4.
fn block_start(i: u32, width: u32, n4: u32) -> u32 {
  let n = i % n4;
  let position = i / n4;
  let x = position % width;
  let row = position / width;
  return (row * 4u * width + 2u * x) * n4 + n;
}
