// swish(z) = z * sigmoid(z), also called SiLU. For z < -88 exp overflows to infinity and 1 / inf = 0, but a WGSL compiler may assume that
// there is no infinity, so the exponent is clamped; sigmoid(-80) = 2e-35 is as good as 0.
fn sigmoid(z: vec4f) -> vec4f {
  return 1.0 / (1.0 + exp(min(-z, vec4f(80.0))));
}

fn swish(z: vec4f) -> vec4f {
  return z * sigmoid(z);
}

struct SwishAndSlope {
  value: vec4f,
  slope: vec4f,
}

// swish(z) and its derivative, s + z s (1 - s) with s = sigmoid(z).
fn swish_and_slope(z: vec4f) -> SwishAndSlope {
  let s = sigmoid(z);
  let value = z * s;
  return SwishAndSlope(value, s + value * (1.0 - s));
}
