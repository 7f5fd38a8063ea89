// Winograd for GPUs, transform of the output gradient: D[f] = A dY A' for every tile of TILE x TILE pixels.
//   grad   dY, CHWN, element ((c*height + y)*width + x)*batch + n; outside the image dY = 0
//   freqs  D[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
// One workgroup: the tiles of 16 images at one place (or of fewer images at several places) and one channel. One invocation: transforms a
// row of a tile (TILE loads; only TILE of the SIDE lines of invocations have one), then a column of the rows that its workgroup has
// transformed.
// Dispatch: x and y as in tile.wgsl, times SIDE columns; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/window_gpu.wgsl
#import conv2d/winograd/column.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import conv2d/winograd/store_side.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grad: array<Lane>;
@group(0) @binding(2) var<storage, read_write> freqs: array<Lane>;

fn element(at: u32) -> Lane { return grad[at]; }

@compute @workgroup_size(8, $SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  let start = tile_start(mine.tile);
  let y = start.y + local.y;
  if (local.y < TILE) {
    var row = Side(); // 0 outside the image
    if (busy && y < params.height) {
      let at = (channel * params.height + y) * params.width * params.batch + params.first_image + mine.image;
      let x = i32(start.x);
      row = gradient_transform(Tile(
        #each i TILE
        pixel(at, column(x + $i)),
        #end
      ));
    }
    #each i SIDE
    window[ROW * local.y + 8 * $i + local.x] = row[$i];
    #end
  }
  workgroupBarrier();
  if (!busy) { return; }
  let step = params.channels * params.pitch;
  let first = channel * params.pitch + mine.tile * params.chunk + mine.image;
  store_side(first + local.y * step, SIDE * step, gradient_transform(Tile(
    #each r TILE
    window[ROW * $r + 8 * local.y + local.x],
    #end
  )));
}
