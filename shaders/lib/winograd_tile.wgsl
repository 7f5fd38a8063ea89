// Which tile of which image an invocation of a Winograd transform works on.
// The shader that includes this declares params with tiles, tiles_x and chunk (the images of the dispatch), a workgroup of 32 lanes, and
// includes lib/winograd.wgsl, lib/winograd7.wgsl or lib/winograd8.wgsl, which say how large a TILE is.
// A workgroup does one tile of 32 images, so that its branches at the border are the same for all lanes; or, where a chunk has fewer
// images, several tiles. Dispatch: x over images, y over tiles (see transformItems in src/winograd.ts).

struct Place {
  image: u32, // of the chunk; chunk or more: nothing to do
  tile: u32, // tiles or more: nothing to do
}

// a / b for a below a million. (Four divisions of integers that differ from lane to lane were 14% of a transform on lavapipe.)
fn quotient(a: u32, b: u32) -> u32 {
  return u32((f32(a) + 0.5) / f32(b));
}

fn place(group: vec3u, lane: u32) -> Place {
  let images = min(32u, params.chunk);
  let tiles = 32u / images; // of a workgroup
  let own = quotient(lane, images);
  let image = group.x * 32u + lane - own * images;
  return Place(select(params.chunk, image, own < tiles), group.y * tiles + own);
}

// x and y where the outputs of a tile start.
fn tile_start(tile: u32) -> vec2u {
  let row = quotient(tile, params.tiles_x);
  return TILE * vec2u(tile - row * params.tiles_x, row);
}
