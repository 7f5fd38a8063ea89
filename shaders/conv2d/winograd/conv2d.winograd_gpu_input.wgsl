// Winograd for GPUs, input transform: V[f] = B' X B for every window of SIDE x SIDE pixels.
// Tile (ty, tx) makes TILE x TILE outputs from (TILE*ty, TILE*tx) on; its window starts RADIUS pixels before. Outside the image X = 0.
//   input  CHWN, element ((c*height + y)*width + x)*batch + n
//   freqs  V[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements (pitch >= tiles*chunk)
// One workgroup: the windows of 16 images at one tile (or of fewer images at several tiles) and one channel. One invocation: transforms a
// row of a window (SIDE loads), then a column of the rows that its workgroup has transformed.
// Dispatch: x and y as in tile.wgsl, times SIDE rows; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/window_gpu.wgsl
#import conv2d/winograd/column.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import conv2d/winograd/store_side.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return input[at]; }

@compute @workgroup_size(8, $SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  let start = tile_start(mine.tile);
  let y = i32(start.y + local.y) - RADIUS;
  let x = i32(start.x) - RADIUS;
  var row = Side(); // 0 outside the image
  if (busy && y >= 0 && y < i32(params.height)) {
    let at = (channel * params.height + u32(y)) * params.width * params.batch + params.first_image + mine.image;
    row = input_transform(Side(
      #each i SIDE
      pixel(at, column(x + $i)),
      #end
    ));
  }
  #each i SIDE
  window[ROW * local.y + 8 * $i + local.x] = row[$i];
  #end
  workgroupBarrier();
  if (!busy) { return; }
  let step = params.channels * params.pitch;
  let first = channel * params.pitch + mine.tile * params.chunk + mine.image;
  store_side(first + local.y * step, SIDE * step, input_transform(Side(
    #each r SIDE
    window[ROW * $r + 8 * local.y + local.x],
    #end
  )));
}
