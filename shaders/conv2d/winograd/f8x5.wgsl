// Winograd F(8x8, 5x5): its five transforms in one dimension.
// Interpolation points 0, 3/8, -3/8, 3/4, -3/4, 1, -1, 11/8, -11/8, 5/2, -5/2, infinity, in this order: one "frequency" each, 12 per axis,
// 144 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 12x12 inputs, w: 5x5 kernel, Y: 8x8 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd. (harness/specs/lib/winograd_gain.ts computes the
// rounding error of these points: twice F(7x7)'s; the points of F(7x7) with infinity added would have eighteen times F(7x7)'s error.)
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 8u; // outputs
const KERNEL = 5u; // taps
const RADIUS = 2; // (KERNEL - 1) / 2
const SIDE = 12u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 12>;
alias Tile = array<Lane, 8>;
alias Taps = array<Lane, 5>;

// B' x: 12 inputs to 12 frequencies. The row of point p has the coefficients of the product of (x - q) over all other finite points q,
// which for a pair is x (x +- p) times the product of (x^2 - q^2) over the other pairs; for infinity, of all finite points.
fn input_transform(x: Side) -> Side {
  let even1 = 6.646728515625 * x[2] - 23.042236328125 * x[4] + 25.0986328125 * x[6] - 9.703125 * x[8] + x[10];
  let odd1 = 2.492523193359375 * x[1] - 8.640838623046875 * x[3] + 9.4119873046875 * x[5] - 3.638671875 * x[7] + 0.375 * x[9];
  let even2 = 1.66168212890625 * x[2] - 14.62286376953125 * x[4] + 21.242431640625 * x[6] - 9.28125 * x[8] + x[10];
  let odd2 = 1.2462615966796875 * x[1] - 10.9671478271484375 * x[3] + 15.93182373046875 * x[5] - 6.9609375 * x[7] + 0.75 * x[9];
  let even3 = 0.934696197509765625 * x[2] - 8.9523468017578125 * x[4] + 17.619384765625 * x[6] - 8.84375 * x[8] + x[10];
  let odd3 = 0.934696197509765625 * x[1] - 8.9523468017578125 * x[3] + 17.619384765625 * x[5] - 8.84375 * x[7] + x[9];
  let even4 = 0.494384765625 * x[2] - 4.968017578125 * x[4] + 11.4267578125 * x[6] - 7.953125 * x[8] + x[10];
  let odd4 = 0.679779052734375 * x[1] - 6.831024169921875 * x[3] + 15.7117919921875 * x[5] - 10.935546875 * x[7] + 1.375 * x[9];
  let even5 = 0.1495513916015625 * x[2] - 1.5579986572265625 * x[4] + 4.002197265625 * x[6] - 3.59375 * x[8] + x[10];
  let odd5 = 0.37387847900390625 * x[1] - 3.89499664306640625 * x[3] + 10.0054931640625 * x[5] - 8.984375 * x[7] + 2.5 * x[9];
  return Side(
    -0.934696197509765625 * x[0] + 9.887042999267578125 * x[2] - 26.5717315673828125 * x[4] + 26.463134765625 * x[6] - 9.84375 * x[8] + x[10],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    -0.934696197509765625 * x[1] + 9.887042999267578125 * x[3] - 26.5717315673828125 * x[5] + 26.463134765625 * x[7] - 9.84375 * x[9] + x[11]);
}

// A' m: 12 frequencies to 8 outputs.
fn output_transform(m: Side) -> Tile {
  let even1 = m[1] + m[2];
  let odd1 = m[1] - m[2];
  let even2 = m[3] + m[4];
  let odd2 = m[3] - m[4];
  let even3 = m[5] + m[6];
  let odd3 = m[5] - m[6];
  let even4 = m[7] + m[8];
  let odd4 = m[7] - m[8];
  let even5 = m[9] + m[10];
  let odd5 = m[9] - m[10];
  return Tile(m[0] + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 1.375 * odd4 + 2.5 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 1.890625 * even4 + 6.25 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 2.599609375 * odd4 + 15.625 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 3.574462890625 * even4 + 39.0625 * even5,
    0.007415771484375 * odd1 + 0.2373046875 * odd2 + odd3 + 4.914886474609375 * odd4 + 97.65625 * odd5,
    0.002780914306640625 * even1 + 0.177978515625 * even2 + even3 + 6.757968902587890625 * even4 + 244.140625 * even5,
    0.001042842864990234375 * odd1 + 0.13348388671875 * odd2 + odd3 + 9.292207241058349609375 * odd4 + 610.3515625 * odd5 + m[11]);
}

// A y: 8 output gradients to 12 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + 0.140625 * y[2] + 0.019775390625 * y[4] + 0.002780914306640625 * y[6];
  let odd1 = 0.375 * y[1] + 0.052734375 * y[3] + 0.007415771484375 * y[5] + 0.001042842864990234375 * y[7];
  let even2 = y[0] + 0.5625 * y[2] + 0.31640625 * y[4] + 0.177978515625 * y[6];
  let odd2 = 0.75 * y[1] + 0.421875 * y[3] + 0.2373046875 * y[5] + 0.13348388671875 * y[7];
  let even3 = y[0] + y[2] + y[4] + y[6];
  let odd3 = y[1] + y[3] + y[5] + y[7];
  let even4 = y[0] + 1.890625 * y[2] + 3.574462890625 * y[4] + 6.757968902587890625 * y[6];
  let odd4 = 1.375 * y[1] + 2.599609375 * y[3] + 4.914886474609375 * y[5] + 9.292207241058349609375 * y[7];
  let even5 = y[0] + 6.25 * y[2] + 39.0625 * y[4] + 244.140625 * y[6];
  let odd5 = 2.5 * y[1] + 15.625 * y[3] + 97.65625 * y[5] + 610.3515625 * y[7];
  return Side(y[0],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    y[7]);
}

// G w: 5 kernel taps to 12 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = (33554432.0 / 36580005.0) * (w[0] + 0.140625 * w[2] + 0.019775390625 * w[4]);
  let odd1 = (33554432.0 / 36580005.0) * (0.375 * w[1] + 0.052734375 * w[3]);
  let even2 = (-8388608.0 / 13157235.0) * (w[0] + 0.5625 * w[2] + 0.31640625 * w[4]);
  let odd2 = (-8388608.0 / 13157235.0) * (0.75 * w[1] + 0.421875 * w[3]);
  let even3 = (131072.0 / 460845.0) * (w[0] + w[2] + w[4]);
  let odd3 = (131072.0 / 460845.0) * (w[1] + w[3]);
  let even4 = (-33554432.0 / 1144936485.0) * (w[0] + 1.890625 * w[2] + 3.574462890625 * w[4]);
  let odd4 = (-33554432.0 / 1144936485.0) * (1.375 * w[1] + 2.599609375 * w[3]);
  let even5 = (524288.0 / 5211726975.0) * (w[0] + 6.25 * w[2] + 39.0625 * w[4]);
  let odd5 = (524288.0 / 5211726975.0) * (2.5 * w[1] + 15.625 * w[3]);
  return Side((-262144.0 / 245025.0) * w[0],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5,
    w[4]);
}

// G' u: 12 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Side) -> Taps {
  let even1 = (33554432.0 / 36580005.0) * (u[1] + u[2]);
  let odd1 = (33554432.0 / 36580005.0) * (u[1] - u[2]);
  let even2 = (-8388608.0 / 13157235.0) * (u[3] + u[4]);
  let odd2 = (-8388608.0 / 13157235.0) * (u[3] - u[4]);
  let even3 = (131072.0 / 460845.0) * (u[5] + u[6]);
  let odd3 = (131072.0 / 460845.0) * (u[5] - u[6]);
  let even4 = (-33554432.0 / 1144936485.0) * (u[7] + u[8]);
  let odd4 = (-33554432.0 / 1144936485.0) * (u[7] - u[8]);
  let even5 = (524288.0 / 5211726975.0) * (u[9] + u[10]);
  let odd5 = (524288.0 / 5211726975.0) * (u[9] - u[10]);
  return Taps((-262144.0 / 245025.0) * u[0] + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 1.375 * odd4 + 2.5 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 1.890625 * even4 + 6.25 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 2.599609375 * odd4 + 15.625 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 3.574462890625 * even4 + 39.0625 * even5 + u[11]);
}
