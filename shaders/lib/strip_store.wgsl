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

// `at` is the first pixel's place in a plane.
fn store(at: u32, strip: Strip, o: u32, p0: vec2f, p1: vec2f, p2: vec2f, p3: vec2f, p4: vec2f, p5: vec2f, p6: vec2f) {
  let channel = strip.channel + o;
  if (channel >= params.to_channels) { return; }
  let i = at + channel * params.height * params.width * params.pairs;
  if (strip.fresh <= 0u) { finish(i, channel, p0); }
  if (strip.fresh <= 1u) { finish(i + params.pairs, channel, p1); }
  if (strip.fresh <= 2u) { finish(i + 2u * params.pairs, channel, p2); }
  if (strip.fresh <= 3u) { finish(i + 3u * params.pairs, channel, p3); }
  if (strip.fresh <= 4u) { finish(i + 4u * params.pairs, channel, p4); }
  if (strip.fresh <= 5u) { finish(i + 5u * params.pairs, channel, p5); }
  if (strip.fresh <= 6u) { finish(i + 6u * params.pairs, channel, p6); }
}
