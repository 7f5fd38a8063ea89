// Strips of 7 pixels that cover a row of the image. The last one is moved left to end at the image's edge, so that all its pixels are
// inside; those that the strip before has done are not stored again. The shader that includes this declares params with width (at least 7).

// The first pixel of a strip.
fn strip_start(strip: u32) -> u32 {
  return min(strip * 7u, params.width - 7u);
}

// Of its seven pixels, the first that no other strip does.
fn fresh_pixel(strip: u32) -> u32 {
  return strip * 7u - strip_start(strip);
}
