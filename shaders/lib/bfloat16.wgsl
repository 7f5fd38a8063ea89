// bfloat16: the upper half of an f32, so that its range is the same and 8 bits of precision are left. Two in a word, the first in the low half.

fn pack_bfloat16(pair: vec2f) -> u32 {
  // Rounded to the nearest: a carry out of the fraction makes the exponent the next one, as it should.
  let bits = bitcast<vec2u>(pair) + 0x8000u;
  return (bits.x >> 16u) | (bits.y & 0xffff0000u);
}

fn unpack_bfloat16(word: u32) -> vec2f {
  return bitcast<vec2f>(vec2u(word << 16u, word & 0xffff0000u));
}
