// Standard normal numbers, two from the two words of a threefry draw (Box and Muller): with u = ((word.x >> 8) + 1) / 2^24, in (0, 1],
// r = sqrt(-2 ln u) and angle = (word.y >> 8) / 2^24 turns, they are r cos(angle) and r sin(angle). The host's twin is in src/base/random.ts.
#import lib/turns.wgsl

// For two draws: (r cos, r sin) of the first, then of the second.
fn normal(first: vec2u, second: vec2u) -> vec4f {
  let u = vec2f((vec2u(first.x, second.x) >> vec2u(8u)) + vec2u(1u)) * (1.0 / 16777216.0);
  let angle = vec2f(vec2u(first.y, second.y) >> vec2u(8u)) * (1.0 / 16777216.0);
  // Near u = 1 the error of log may exceed its value: the clamp avoids the root of a negative number, which is NaN.
  let r = sqrt(max(-2.0 * log(u), vec2f(1e-30)));
  return r.xxyy * cos_turns(angle.xxyy - vec4f(0.0, 0.25, 0.0, 0.25));
}
