// Winograd F(7x7, 5x5): the five 1-D transforms, textually included by the shaders that use them (no bindings here).
// Interpolation points 0, 3/8, -3/8, 3/4, -3/4, 1, -1, 2, -2, 4, -4, in this order: one "frequency" each, 11 per axis, 121 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 11x11 inputs, w: 5x5 kernel, Y: 7x7 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd. (test/winograd_gain.ts says what rounding
// error these points bring: infinity in place of 0, or other fractions, would be within 15% of it.)
// `Lane` is the type one invocation works on, an alias the including shader defines.

const TILE = 7u;

struct Eleven {
  a: Lane, b: Lane, c: Lane, d: Lane, e: Lane, f: Lane, g: Lane, h: Lane, i: Lane, j: Lane, k: Lane
}
struct Seven { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane, f: Lane, g: Lane }
struct Five { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane }

// B' x: 11 inputs to 11 frequencies. The row of point p has the coefficients of the product of (x - q) over all other points q, which for
// a pair is x (x +- p) times the product of (x^2 - q^2) over the other pairs.
fn input_transform(x: Eleven) -> Eleven {
  let even1 = 36.0 * x.c - 111.25 * x.e + 95.8125 * x.g - 21.5625 * x.i + x.k;
  let odd1 = 13.5 * x.b - 41.71875 * x.d + 35.9296875 * x.f - 8.0859375 * x.h + 0.375 * x.j;
  let even2 = 9.0 * x.c - 75.8125 * x.e + 86.953125 * x.g - 21.140625 * x.i + x.k;
  let odd2 = 6.75 * x.b - 56.859375 * x.d + 65.21484375 * x.f - 15.85546875 * x.h + 0.75 * x.j;
  let even3 = 5.0625 * x.c - 46.58203125 * x.e + 78.1416015625 * x.g - 20.703125 * x.i + x.k;
  let odd3 = 5.0625 * x.b - 46.58203125 * x.d + 78.1416015625 * x.f - 20.703125 * x.h + x.j;
  let even4 = 1.265625 * x.c - 12.5947265625 * x.e + 28.0322265625 * x.g - 17.703125 * x.i + x.k;
  let odd4 = 2.53125 * x.b - 25.189453125 * x.d + 56.064453125 * x.f - 35.40625 * x.h + 2.0 * x.j;
  let even5 = 0.31640625 * x.c - 3.2080078125 * x.e + 7.5947265625 * x.g - 5.703125 * x.i + x.k;
  let odd5 = 1.265625 * x.b - 12.83203125 * x.d + 30.37890625 * x.f - 22.8125 * x.h + 4.0 * x.j;
  return Eleven(-5.0625 * x.a + 51.64453125 * x.c - 124.7236328125 * x.e + 98.8447265625 * x.g - 21.703125 * x.i + x.k,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// A' m: 11 frequencies to 7 outputs.
fn output_transform(m: Eleven) -> Seven {
  let even1 = m.b + m.c;
  let odd1 = m.b - m.c;
  let even2 = m.d + m.e;
  let odd2 = m.d - m.e;
  let even3 = m.f + m.g;
  let odd3 = m.f - m.g;
  let even4 = m.h + m.i;
  let odd4 = m.h - m.i;
  let even5 = m.j + m.k;
  let odd5 = m.j - m.k;
  return Seven(m.a + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 2.0 * odd4 + 4.0 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 4.0 * even4 + 16.0 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 8.0 * odd4 + 64.0 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 16.0 * even4 + 256.0 * even5,
    0.007415771484375 * odd1 + 0.2373046875 * odd2 + odd3 + 32.0 * odd4 + 1024.0 * odd5,
    0.002780914306640625 * even1 + 0.177978515625 * even2 + even3 + 64.0 * even4 + 4096.0 * even5);
}

// A y: 7 output gradients to 11 frequencies.
fn gradient_transform(y: Seven) -> Eleven {
  let even1 = y.a + 0.140625 * y.c + 0.019775390625 * y.e + 0.002780914306640625 * y.g;
  let odd1 = 0.375 * y.b + 0.052734375 * y.d + 0.007415771484375 * y.f;
  let even2 = y.a + 0.5625 * y.c + 0.31640625 * y.e + 0.177978515625 * y.g;
  let odd2 = 0.75 * y.b + 0.421875 * y.d + 0.2373046875 * y.f;
  let even3 = y.a + y.c + y.e + y.g;
  let odd3 = y.b + y.d + y.f;
  let even4 = y.a + 4.0 * y.c + 16.0 * y.e + 64.0 * y.g;
  let odd4 = 2.0 * y.b + 8.0 * y.d + 32.0 * y.f;
  let even5 = y.a + 16.0 * y.c + 256.0 * y.e + 4096.0 * y.g;
  let odd5 = 4.0 * y.b + 64.0 * y.d + 1024.0 * y.f;
  return Eleven(y.a,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// G w: 5 kernel taps to 11 frequencies.
fn kernel_transform(w: Five) -> Eleven {
  let even1 = (536870912.0 / 3350672325.0) * (w.a + 0.140625 * w.c + 0.019775390625 * w.e);
  let odd1 = (536870912.0 / 3350672325.0) * (0.375 * w.b + 0.052734375 * w.d);
  let even2 = (-2097152.0 / 23108085.0) * (w.a + 0.5625 * w.c + 0.31640625 * w.e);
  let odd2 = (-2097152.0 / 23108085.0) * (0.75 * w.b + 0.421875 * w.d);
  let even3 = (512.0 / 17325.0) * (w.a + w.c + w.e);
  let odd3 = (512.0 / 17325.0) * (w.b + w.d);
  let even4 = (-32.0 / 122265.0) * (w.a + 4.0 * w.c + 16.0 * w.e);
  let odd4 = (-32.0 / 122265.0) * (2.0 * w.b + 8.0 * w.d);
  let even5 = (8.0 / 11281725.0) * (w.a + 16.0 * w.c + 256.0 * w.e);
  let odd5 = (8.0 / 11281725.0) * (4.0 * w.b + 64.0 * w.d);
  return Eleven((-16.0 / 81.0) * w.a,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// G' u: 11 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Eleven) -> Five {
  let even1 = (536870912.0 / 3350672325.0) * (u.b + u.c);
  let odd1 = (536870912.0 / 3350672325.0) * (u.b - u.c);
  let even2 = (-2097152.0 / 23108085.0) * (u.d + u.e);
  let odd2 = (-2097152.0 / 23108085.0) * (u.d - u.e);
  let even3 = (512.0 / 17325.0) * (u.f + u.g);
  let odd3 = (512.0 / 17325.0) * (u.f - u.g);
  let even4 = (-32.0 / 122265.0) * (u.h + u.i);
  let odd4 = (-32.0 / 122265.0) * (u.h - u.i);
  let even5 = (8.0 / 11281725.0) * (u.j + u.k);
  let odd5 = (8.0 / 11281725.0) * (u.j - u.k);
  return Five((-16.0 / 81.0) * u.a + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 2.0 * odd4 + 4.0 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 4.0 * even4 + 16.0 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 8.0 * odd4 + 64.0 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 16.0 * even4 + 256.0 * even5);
}
