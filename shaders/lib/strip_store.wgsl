// What an invocation that works on a strip of 7 pixels does with its sums. The shader that includes this declares params with height,
// width, pairs and to_channels, and `finish`: what happens to a sum of output channel `channel` that belongs at `at` of
// [to][H][W][pairs].
struct Strip {
  fresh: u32, // of its seven pixels, the first that no other strip does; 7 if the lane has none
  channel: u32, // its first output channel
}

// The last strip of a row is moved left to end at the image's edge: what the strip before has done is not stored again.
fn strip_start(strip: u32) -> u32 {
  return min(strip * 7u, params.width - 7u);
}

// Finishes the sums of one output channel. `at` is the first pixel's place in a plane.
fn store(at: u32, strip: Strip, channel: u32, sums: array<vec2f, 7>) {
  var pixels = sums;
  let i = at + channel * params.height * params.width * params.pairs;
  for (var x = strip.fresh; x < 7u; x++) { finish(i + x * params.pairs, channel, pixels[x]); }
}
