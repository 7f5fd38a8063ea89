// Winograd F(8x8, 5x5): the five 1-D transforms, textually included by the shaders that use them (no bindings here).
// Interpolation points 0, 3/8, -3/8, 3/4, -3/4, 1, -1, 11/8, -11/8, 5/2, -5/2, infinity, in this order: one "frequency" each, 12 per axis,
// 144 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 12x12 inputs, w: 5x5 kernel, Y: 8x8 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd. (test/winograd_gain.ts says what rounding
// error these points bring: twice that of F(7x7), whose own points with infinity added would bring eighteen times as much.)
// `Lane` is the type one invocation works on, an alias the including shader defines.

const TILE = 8u;

struct Twelve {
  a: Lane, b: Lane, c: Lane, d: Lane, e: Lane, f: Lane, g: Lane, h: Lane, i: Lane, j: Lane, k: Lane, l: Lane
}
struct Eight { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane, f: Lane, g: Lane, h: Lane }
struct Five { a: Lane, b: Lane, c: Lane, d: Lane, e: Lane }

// B' x: 12 inputs to 12 frequencies. The row of point p has the coefficients of the product of (x - q) over all other finite points q,
// which for a pair is x (x +- p) times the product of (x^2 - q^2) over the other pairs; for infinity, of all finite points.
fn input_transform(x: Twelve) -> Twelve {
  let even1 = 6.646728515625 * x.c - 23.042236328125 * x.e + 25.0986328125 * x.g - 9.703125 * x.i + x.k;
  let odd1 = 2.492523193359375 * x.b - 8.640838623046875 * x.d + 9.4119873046875 * x.f - 3.638671875 * x.h + 0.375 * x.j;
  let even2 = 1.66168212890625 * x.c - 14.62286376953125 * x.e + 21.242431640625 * x.g - 9.28125 * x.i + x.k;
  let odd2 = 1.2462615966796875 * x.b - 10.9671478271484375 * x.d + 15.93182373046875 * x.f - 6.9609375 * x.h + 0.75 * x.j;
  let even3 = 0.934696197509765625 * x.c - 8.9523468017578125 * x.e + 17.619384765625 * x.g - 8.84375 * x.i + x.k;
  let odd3 = 0.934696197509765625 * x.b - 8.9523468017578125 * x.d + 17.619384765625 * x.f - 8.84375 * x.h + x.j;
  let even4 = 0.494384765625 * x.c - 4.968017578125 * x.e + 11.4267578125 * x.g - 7.953125 * x.i + x.k;
  let odd4 = 0.679779052734375 * x.b - 6.831024169921875 * x.d + 15.7117919921875 * x.f - 10.935546875 * x.h + 1.375 * x.j;
  let even5 = 0.1495513916015625 * x.c - 1.5579986572265625 * x.e + 4.002197265625 * x.g - 3.59375 * x.i + x.k;
  let odd5 = 0.37387847900390625 * x.b - 3.89499664306640625 * x.d + 10.0054931640625 * x.f - 8.984375 * x.h + 2.5 * x.j;
  return Twelve(
    -0.934696197509765625 * x.a + 9.887042999267578125 * x.c - 26.5717315673828125 * x.e + 26.463134765625 * x.g - 9.84375 * x.i + x.k,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    -0.934696197509765625 * x.b + 9.887042999267578125 * x.d - 26.5717315673828125 * x.f + 26.463134765625 * x.h - 9.84375 * x.j + x.l);
}

// A' m: 12 frequencies to 8 outputs.
fn output_transform(m: Twelve) -> Eight {
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
  return Eight(m.a + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 1.375 * odd4 + 2.5 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 1.890625 * even4 + 6.25 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 2.599609375 * odd4 + 15.625 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 3.574462890625 * even4 + 39.0625 * even5,
    0.007415771484375 * odd1 + 0.2373046875 * odd2 + odd3 + 4.914886474609375 * odd4 + 97.65625 * odd5,
    0.002780914306640625 * even1 + 0.177978515625 * even2 + even3 + 6.757968902587890625 * even4 + 244.140625 * even5,
    0.001042842864990234375 * odd1 + 0.13348388671875 * odd2 + odd3 + 9.292207241058349609375 * odd4 + 610.3515625 * odd5 + m.l);
}

// A y: 8 output gradients to 12 frequencies.
fn gradient_transform(y: Eight) -> Twelve {
  let even1 = y.a + 0.140625 * y.c + 0.019775390625 * y.e + 0.002780914306640625 * y.g;
  let odd1 = 0.375 * y.b + 0.052734375 * y.d + 0.007415771484375 * y.f + 0.001042842864990234375 * y.h;
  let even2 = y.a + 0.5625 * y.c + 0.31640625 * y.e + 0.177978515625 * y.g;
  let odd2 = 0.75 * y.b + 0.421875 * y.d + 0.2373046875 * y.f + 0.13348388671875 * y.h;
  let even3 = y.a + y.c + y.e + y.g;
  let odd3 = y.b + y.d + y.f + y.h;
  let even4 = y.a + 1.890625 * y.c + 3.574462890625 * y.e + 6.757968902587890625 * y.g;
  let odd4 = 1.375 * y.b + 2.599609375 * y.d + 4.914886474609375 * y.f + 9.292207241058349609375 * y.h;
  let even5 = y.a + 6.25 * y.c + 39.0625 * y.e + 244.140625 * y.g;
  let odd5 = 2.5 * y.b + 15.625 * y.d + 97.65625 * y.f + 610.3515625 * y.h;
  return Twelve(y.a,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    y.h);
}

// G w: 5 kernel taps to 12 frequencies.
fn kernel_transform(w: Five) -> Twelve {
  let even1 = (33554432.0 / 36580005.0) * (w.a + 0.140625 * w.c + 0.019775390625 * w.e);
  let odd1 = (33554432.0 / 36580005.0) * (0.375 * w.b + 0.052734375 * w.d);
  let even2 = (-8388608.0 / 13157235.0) * (w.a + 0.5625 * w.c + 0.31640625 * w.e);
  let odd2 = (-8388608.0 / 13157235.0) * (0.75 * w.b + 0.421875 * w.d);
  let even3 = (131072.0 / 460845.0) * (w.a + w.c + w.e);
  let odd3 = (131072.0 / 460845.0) * (w.b + w.d);
  let even4 = (-33554432.0 / 1144936485.0) * (w.a + 1.890625 * w.c + 3.574462890625 * w.e);
  let odd4 = (-33554432.0 / 1144936485.0) * (1.375 * w.b + 2.599609375 * w.d);
  let even5 = (524288.0 / 5211726975.0) * (w.a + 6.25 * w.c + 39.0625 * w.e);
  let odd5 = (524288.0 / 5211726975.0) * (2.5 * w.b + 15.625 * w.d);
  return Twelve((-262144.0 / 245025.0) * w.a,
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    w.e);
}

// G' u: 12 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Twelve) -> Five {
  let even1 = (33554432.0 / 36580005.0) * (u.b + u.c);
  let odd1 = (33554432.0 / 36580005.0) * (u.b - u.c);
  let even2 = (-8388608.0 / 13157235.0) * (u.d + u.e);
  let odd2 = (-8388608.0 / 13157235.0) * (u.d - u.e);
  let even3 = (131072.0 / 460845.0) * (u.f + u.g);
  let odd3 = (131072.0 / 460845.0) * (u.f - u.g);
  let even4 = (-33554432.0 / 1144936485.0) * (u.h + u.i);
  let odd4 = (-33554432.0 / 1144936485.0) * (u.h - u.i);
  let even5 = (524288.0 / 5211726975.0) * (u.j + u.k);
  let odd5 = (524288.0 / 5211726975.0) * (u.j - u.k);
  return Five((-262144.0 / 245025.0) * u.a + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 1.375 * odd4 + 2.5 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 1.890625 * even4 + 6.25 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 2.599609375 * odd4 + 15.625 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 3.574462890625 * even4 + 39.0625 * even5 + u.l);
}
