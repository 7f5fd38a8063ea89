// Winograd, input transform: V[f] = B' X B for every window of SIDE x SIDE pixels.
// Tile (ty, tx) makes TILE x TILE outputs from (TILE*ty, TILE*tx) on; its window starts RADIUS pixels before. Outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// A Lane is two images: a load or store of two costs a processor less than two of one (see tile.wgsl).
// One invocation: one Lane of the chunk, one channel, one tile. Rows first (SIDE loads, a transform), then columns.
// Dispatch: x and y as in tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = vec2f;
#import conv2d/winograd/$form.wgsl
#import conv2d/winograd/column.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import conv2d/winograd/store_side.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

fn window_row(row: u32, columns: array<Column, SIDE>) -> Side {
  return input_transform(Side(
    #each i SIDE
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
  let y = i32(start.y) - RADIUS;
  let x = i32(start.x) - RADIUS;
  let first = channel * params.height * params.width * params.batch + params.first_image + mine.image;
  let columns = array<Column, SIDE>(
    #each i SIDE
    column(x + $i),
    #end
  );
  var rows: array<Side, SIDE>; // 0 outside the image
  // This stays a loop: unrolled, the rows take lavapipe three times as long to compile.
  for (var r = max(y, 0) - y; r < min(i32(SIDE), i32(params.height) - y); r++) {
    rows[r] = window_row(first + u32(y + r) * params.width * params.batch, columns);
  }
  let out = channel * params.pitch + mine.tile * params.chunk + mine.image;
  let step = params.channels * params.pitch;
  #each c SIDE
  store_side(out + $c * step, SIDE * step, input_transform(Side(
    #each r SIDE
    rows[$r][$c],
    #end
  )));
  #end
}
