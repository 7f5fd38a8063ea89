// Winograd for GPUs, output transform, shared by conv2d and conv2d_grad_input: Y = A' M A for every tile.
// The shader that imports this declares
//   params   see tile.wgsl;
//   freqs    M[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements;
//   addend   returns the Lane to add to all elements of an output channel of a Lane of the batch;
//   finish   stores an element of Y, whose index in [channels][height][width][batch] is `at`; it also gets that addend.
// One workgroup: the tiles of 16 images at one place (or of fewer images at several places) and one channel. One invocation: transforms a
// row of frequencies (SIDE loads), then a column of TILE pixels (only TILE of the SIDE lines of invocations have one).
// Dispatch: x and y as in tile.wgsl, times SIDE rows; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/window_gpu.wgsl
#import conv2d/winograd/tile.wgsl

@compute @workgroup_size(8, $SIDE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = place(group, local.x, 8u);
  let channel = group.z + params.first_group;
  let busy = mine.image < params.chunk && mine.tile < params.tiles;
  if (busy) {
    let step = params.channels * params.pitch;
    let first = channel * params.pitch + mine.tile * params.chunk + mine.image + SIDE * local.y * step;
    let row = output_transform(Side(
      #each i SIDE
      freqs[first + $i * step],
      #end
    ));
    #each i TILE
    window[ROW * local.y + 8 * $i + local.x] = row[$i];
    #end
  }
  workgroupBarrier();
  let start = tile_start(mine.tile);
  let x = start.x + local.y;
  if (!busy || local.y >= TILE || x >= params.width) { return; }
  let image = params.first_image + mine.image;
  let at = (channel * params.height * params.width + x) * params.batch + image;
  let more = addend(channel, image);
  let pixels = output_transform(Side(
    #each r SIDE
    window[ROW * $r + 8 * local.y + local.x],
    #end
  ));
  #each i TILE
  if (start.y + $i < params.height) { finish(at + (start.y + $i) * params.width * params.batch, pixels[$i], more); }
  #end
}
