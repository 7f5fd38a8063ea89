// Threefry2x32-20 (Salmon et al., SC 2011): 64 random bits from a 64-bit key and a 64-bit counter; adds, rotations and xors
// only. The host's twin is src/base/random.ts.
fn rotate_left(x: u32, r: u32) -> u32 {
  return (x << r) | (x >> (32u - r));
}

// Four rounds with the rotations r, then key injection.
fn threefry_rounds(v: vec2u, r: vec4u, k0: u32, k1: u32) -> vec2u {
  var x = v.x + v.y;
  var y = rotate_left(v.y, r.x) ^ x;
  x += y;
  y = rotate_left(y, r.y) ^ x;
  x += y;
  y = rotate_left(y, r.z) ^ x;
  x += y;
  y = rotate_left(y, r.w) ^ x;
  return vec2u(x + k0, y + k1);
}

fn threefry(key: vec2u, counter: vec2u) -> vec2u {
  let k2 = key.x ^ key.y ^ 0x1bd11bdau;
  let even = vec4u(13u, 15u, 26u, 6u);
  let odd = vec4u(17u, 29u, 16u, 24u);
  var v = counter + key;
  v = threefry_rounds(v, even, key.y, k2 + 1u);
  v = threefry_rounds(v, odd, k2, key.x + 2u);
  v = threefry_rounds(v, even, key.x, key.y + 3u);
  v = threefry_rounds(v, odd, key.y, k2 + 4u);
  v = threefry_rounds(v, even, k2, key.x + 5u);
  return v;
}

// Uniform numbers in [0, 1) from the top 24 bits of each word: exact in f32.
fn uniform01(words: vec2u) -> vec2f {
  return vec2f(words >> vec2u(8u)) * (1.0 / 16777216.0);
}
