// Winograd for GPUs, output transform: output = A' M A + addend for every tile; for the addend see lib/biases.wgsl.
//   freqs    M[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
//   output   CHWN
// One workgroup: the tiles of 16 images at one place (or of fewer images at several places) and one channel. One invocation: transforms a
// row of frequencies (SIDE loads), then a column of TILE pixels (only TILE of the SIDE lines of invocations have one).
// Dispatch: x and y as in tile.wgsl, times SIDE rows; z = channels from first_group on. Any height, width, channels, batch.
#import conv2d/winograd/window_gpu.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import lib/biases.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> image_bias: array<Lane>;
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;

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
  let more = addend(channel, image, params.batch);
  let pixels = output_transform(Side(
    #each r SIDE
    window[ROW * $r + 8 * local.y + local.x],
    #end
  ));
  #each i TILE
  if (start.y + $i < params.height) { output[at + (start.y + $i) * params.width * params.batch] = pixels[$i] + more; }
  #end
}
