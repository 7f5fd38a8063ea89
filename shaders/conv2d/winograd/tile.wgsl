// Which tile of which image an invocation of a Winograd transform works on.
// The shader that imports this declares
//   params  of type Params, and imports params.wgsl, or has a Params with at least those fields;
//   Lane    what an invocation does at once: an image, f32, or a pair of them, vec2f. All counts of images are counts of Lanes;
// and imports a form (f7x5.wgsl, say), which says how large a TILE is.
// A workgroup has `lanes` Lanes of one tile, so that its branches at the border are the same for all of them; or, where a chunk has fewer,
// several tiles. Dispatch: x over images, y over tiles (see transformItems in src/winograd.ts).

struct Place {
  image: u32, // of the chunk; chunk or more: nothing to do
  tile: u32, // tiles or more: nothing to do
}

// a / b for a below a million. (Four divisions of integers that differ from lane to lane were 14% of a transform on lavapipe.)
fn quotient(a: u32, b: u32) -> u32 {
  return u32((f32(a) + 0.5) / f32(b));
}

// `lane` of the `lanes` of its workgroup.
fn place(group: vec3u, lane: u32, lanes: u32) -> Place {
  let images = min(lanes, params.chunk);
  let tiles = lanes / images; // of a workgroup
  let own = quotient(lane, images);
  let image = group.x * lanes + lane - own * images;
  return Place(select(params.chunk, image, own < tiles), group.y * tiles + own);
}

// x and y where the outputs of a tile start.
fn tile_start(tile: u32) -> vec2u {
  let row = quotient(tile, params.tiles_x);
  return TILE * vec2u(tile - row * params.tiles_x, row);
}
