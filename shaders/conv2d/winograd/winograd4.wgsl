// Winograd F(4x4, 5x5): the four 1-D transforms, textually included by the shaders that use them (no bindings here).
// Interpolation points 0, 1, -1, 2, -2, 1/2, -1/2, infinity, in this order: one "frequency" each, 8 per axis, 64 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 8x8 inputs, w: 5x5 kernel, Y: 4x4 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd.
// `Lane` is the type one invocation works on, an alias the including shader defines (f32: one image; vec4f: four images).

const TILE = 4u;

struct Eight { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane, f: Lane, g: Lane, h: Lane }
struct Five { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane }
struct Four { a: Lane, b: Lane, c: Lane, d: Lane }

// B' x: 8 inputs to 8 frequencies.
fn input_transform(x: Eight) -> Eight {
  let even1 = x.c - 4.25 * x.e + x.g;
  let odd1 = x.b - 4.25 * x.d + x.f;
  let even2 = 0.25 * x.c - 1.25 * x.e + x.g;
  let odd2 = 0.5 * x.b - 2.5 * x.d + 2.0 * x.f;
  let even3 = 4.0 * x.c - 5.0 * x.e + x.g;
  let odd3 = 2.0 * x.b - 2.5 * x.d + 0.5 * x.f;
  return Eight(x.a - x.g + 5.25 * (x.e - x.c), even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2,
    even3 + odd3, even3 - odd3, x.h - x.b + 5.25 * (x.d - x.f));
}

// A' m: 8 frequencies to 4 outputs.
fn output_transform(m: Eight) -> Four {
  let even1 = m.b + m.c;
  let odd1 = m.b - m.c;
  let even2 = m.d + m.e;
  let odd2 = m.d - m.e;
  let even3 = m.f + m.g;
  let odd3 = m.f - m.g;
  return Four(m.a + even1 + even2 + even3, odd1 + 2.0 * odd2 + 0.5 * odd3,
    even1 + 4.0 * even2 + 0.25 * even3, odd1 + 8.0 * odd2 + 0.125 * odd3 + m.h);
}

// A y: 4 output gradients to 8 frequencies.
fn gradient_transform(y: Four) -> Eight {
  let even1 = y.a + y.c;
  let odd1 = y.b + y.d;
  let even2 = y.a + 4.0 * y.c;
  let odd2 = 2.0 * y.b + 8.0 * y.d;
  let even3 = y.a + 0.25 * y.c;
  let odd3 = 0.5 * y.b + 0.125 * y.d;
  return Eight(y.a, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, y.d);
}

// G w: 5 kernel taps to 8 frequencies.
fn kernel_transform(w: Five) -> Eight {
  let even1 = (-2.0 / 9.0) * (w.a + w.c + w.e);
  let odd1 = (-2.0 / 9.0) * (w.b + w.d);
  let even2 = (1.0 / 90.0) * (w.a + 4.0 * w.c + 16.0 * w.e);
  let odd2 = (1.0 / 90.0) * (2.0 * w.b + 8.0 * w.d);
  let even3 = (32.0 / 45.0) * (w.a + 0.25 * w.c + 0.0625 * w.e);
  let odd3 = (32.0 / 45.0) * (0.5 * w.b + 0.125 * w.d);
  return Eight(w.a, even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, w.e);
}

// G' u: 8 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Eight) -> Five {
  let even1 = (-2.0 / 9.0) * (u.b + u.c);
  let odd1 = (-2.0 / 9.0) * (u.b - u.c);
  let even2 = (1.0 / 90.0) * (u.d + u.e);
  let odd2 = (1.0 / 90.0) * (u.d - u.e);
  let even3 = (32.0 / 45.0) * (u.f + u.g);
  let odd3 = (32.0 / 45.0) * (u.f - u.g);
  return Five(u.a + even1 + even2 + even3, odd1 + 2.0 * odd2 + 0.5 * odd3, even1 + 4.0 * even2 + 0.25 * even3,
    odd1 + 8.0 * odd2 + 0.125 * odd3, even1 + 16.0 * even2 + 0.0625 * even3 + u.h);
}
