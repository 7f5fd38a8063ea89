// Winograd, transform of the output gradient: D[f] = A dY A' for every tile of TILE x TILE pixels.
//   grad   dY, CHWN, element ((c*height + y)*width + x)*batch + n; outside the image dY = 0
//   freqs  D[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
// A Lane is two images: a load or store of two costs a processor less than two of one (see tile.wgsl).
// One invocation: one Lane of the chunk, one channel, one tile. Rows first, then columns.
// Dispatch: x and y as in tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/$form.wgsl
#import conv2d/winograd/column.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import conv2d/winograd/store_side.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return grad[at]; }

fn tile_row(row: u32, columns: array<Column, TILE>) -> Side {
  return gradient_transform(Tile(
    #each i TILE
    pixel(row, columns[$i]),
    #end
  ));
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let mine = place(group, lane, 32u);
  let channel = group.z + params.first_group;
  if (mine.image >= params.chunk || mine.tile >= params.tiles) { return; }
  let start = tile_start(mine.tile);
  let x = i32(start.x);
  let first = channel * params.height * params.width * params.batch + params.first_image + mine.image;
  let columns = array<Column, TILE>(
    #each i TILE
    column(x + $i),
    #end
  );
  var rows: array<Side, TILE>; // rows outside the image stay 0
  for (var r = 0u; r < min(TILE, params.height - start.y); r++) {
    rows[r] = tile_row(first + (start.y + r) * params.width * params.batch, columns);
  }
  let out = channel * params.pitch + mine.tile * params.chunk + mine.image;
  let step = params.channels * params.pitch;
  // A bound that is not a compile-time constant keeps the loop: unrolled, it takes lavapipe four times as long to compile.
  for (var c = 0u; c < min(SIDE, SIDE * step); c++) {
    store_side(out + c * step, SIDE * step, gradient_transform(Tile(
      #each r TILE
      rows[$r][c],
      #end
    )));
  }
}
