// The cosine of angles given in turns (1 is a full circle). The sine of u >= 0 is cos_turns(u - 0.25), where the difference is exact or,
// for u < 1/4, rounded by 2^-27. WGSL's own cos may err by 2^-11; this errs by at most 2e-7 if operations round to nearest.
// cos(2 pi u) = sin(2 pi q), q = 1/4 - |u - round(u)| in [-1/4, 1/4], as an odd polynomial: with this degree and coefficients rounded to
// f32, it errs by at most 8e-9.
fn cos_turns(u: vec4f) -> vec4f {
  let q = 0.25 - abs(u - round(u));
  let s = q * q;
  return q * (6.283185 + s * (-41.341618 + s * (81.59865 + s * (-76.49603 + s * 39.133774))));
}
