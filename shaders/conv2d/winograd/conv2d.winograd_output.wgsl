// Winograd, output transform: output = A' M A + addend for every tile; for the addend see lib/biases.wgsl.
//   freqs    M[f = SIDE*fy+fx][c][p], p = tile*chunk + image, rows of `pitch` elements
//   output   CHWN
// One invocation: one image of the chunk, one channel, one tile of TILE x TILE pixels, as far as it lies inside the image. The rows of M are
// transformed along x as they are loaded, then along y.
// Dispatch: x and y as in tile.wgsl; z = channels from first_group on. Any height, width, channels, batch.
alias Lane = f32;
#import conv2d/winograd/$form.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/tile.wgsl
#import lib/biases.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> image_bias: array<Lane>;
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;

fn freq_row(first: u32, step: u32) -> Tile {
  return output_transform(Side(
    #each i SIDE
    freqs[first + $i * step],
    #end
  ));
}

fn store_row(at: u32, x: u32, value: Tile, more: Lane) {
  #each i TILE
  if (x + $i < params.width) { output[at + (x + $i) * params.batch] = value[$i] + more; }
  #end
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let mine = place(group, lane, 32u);
  let channel = group.z + params.first_group;
  if (mine.image >= params.chunk || mine.tile >= params.tiles) { return; }
  let step = params.channels * params.pitch;
  let at = channel * params.pitch + mine.tile * params.chunk + mine.image;
  var rows: array<Tile, SIDE>;
  // Here and below, loop bounds that are not compile-time constants keep the loops: unrolled, they take lavapipe four times as long to
  // compile.
  for (var r = 0u; r < min(SIDE, SIDE * params.channels); r++) { rows[r] = freq_row(at + SIDE * r * step, step); }
  #each c TILE
  let column$c = output_transform(Side(
    #each r SIDE
    rows[$r][$c],
    #end
  ));
  #end
  let start = tile_start(mine.tile);
  let image = params.first_image + mine.image;
  let first = channel * params.height * params.width * params.batch + image;
  let more = addend(channel, image, params.batch);
  let outputs = array<Tile, TILE>(
    #each r TILE
    Tile(
      #each c TILE
      column$c[$r],
      #end
    ),
    #end
  );
  for (var r = 0u; r < min(TILE, params.height - start.y); r++) {
    store_row(first + (start.y + r) * params.width * params.batch, start.x, outputs[r], more);
  }
}
