// The tile and the image that an invocation of a Winograd transform works on.
// The shader that imports this declares
//   params  of type Params, from params.wgsl or with at least its fields;
//   Lane    the unit that an invocation processes at once: an image, f32, or a pair of images, vec2f. All counts of images are counts of Lanes;
// and imports a form (f7x5.wgsl, say), which declares the size TILE.
// A workgroup has `lanes` Lanes of one tile, so that its branches at the border are uniform; or, if a chunk has fewer Lanes, several tiles.
// Dispatch: x over images, y over tiles (see transformItems in src/winograd/plan.ts).

struct Place {
  image: u32, // of the chunk; chunk or more: nothing to do
  tile: u32, // tiles or more: nothing to do
}

// a / b for a below a million. (Four integer divisions by operands that differ between lanes took 14% of a transform on lavapipe.)
fn quotient(a: u32, b: u32) -> u32 {
  return u32((f32(a) + 0.5) / f32(b));
}

// The place of lane `lane` of the `lanes` of its workgroup.
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
