// Winograd F(4x4, 5x5): its five transforms in one dimension.
// Interpolation points 0, 1, -1, 2, -2, 1/2, -1/2, infinity, in this order: one "frequency" each, 8 per axis, 64 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 8x8 inputs, w: 5x5 kernel, Y: 4x4 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd.
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 4u; // outputs
const KERNEL = 5u; // taps
const RADIUS = 2; // (KERNEL - 1) / 2
const SIDE = 8u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 8>;
alias Tile = array<Lane, 4>;
alias Taps = array<Lane, 5>;

// B' x: 8 inputs to 8 frequencies.
fn input_transform(x: Side) -> Side {
  let even1 = x[2] - 4.25 * x[4] + x[6];
  let odd1 = x[1] - 4.25 * x[3] + x[5];
  let even2 = 0.25 * x[2] - 1.25 * x[4] + x[6];
  let odd2 = 0.5 * x[1] - 2.5 * x[3] + 2.0 * x[5];
  let even3 = 4.0 * x[2] - 5.0 * x[4] + x[6];
  let odd3 = 2.0 * x[1] - 2.5 * x[3] + 0.5 * x[5];
  return Side(x[0] - x[6] + 5.25 * (x[4] - x[2]), even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2,
    even3 + odd3, even3 - odd3, x[7] - x[1] + 5.25 * (x[3] - x[5]));
}

// A' m: 8 frequencies to 4 outputs.
fn output_transform(m: Side) -> Tile {
  let even1 = m[1] + m[2];
  let odd1 = m[1] - m[2];
  let even2 = m[3] + m[4];
  let odd2 = m[3] - m[4];
  let even3 = m[5] + m[6];
  let odd3 = m[5] - m[6];
  return Tile(m[0] + even1 + even2 + even3, odd1 + 2.0 * odd2 + 0.5 * odd3,
    even1 + 4.0 * even2 + 0.25 * even3, odd1 + 8.0 * odd2 + 0.125 * odd3 + m[7]);
}

// A y: 4 output gradients to 8 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + y[2];
  let odd1 = y[1] + y[3];
  let even2 = y[0] + 4.0 * y[2];
  let odd2 = 2.0 * y[1] + 8.0 * y[3];
  let even3 = y[0] + 0.25 * y[2];
  let odd3 = 0.5 * y[1] + 0.125 * y[3];
  return Side(y[0], even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, y[3]);
}

// G w: 5 kernel taps to 8 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = (-2.0 / 9.0) * (w[0] + w[2] + w[4]);
  let odd1 = (-2.0 / 9.0) * (w[1] + w[3]);
  let even2 = (1.0 / 90.0) * (w[0] + 4.0 * w[2] + 16.0 * w[4]);
  let odd2 = (1.0 / 90.0) * (2.0 * w[1] + 8.0 * w[3]);
  let even3 = (32.0 / 45.0) * (w[0] + 0.25 * w[2] + 0.0625 * w[4]);
  let odd3 = (32.0 / 45.0) * (0.5 * w[1] + 0.125 * w[3]);
  return Side(w[0], even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, w[4]);
}

// G' u: 8 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Side) -> Taps {
  let even1 = (-2.0 / 9.0) * (u[1] + u[2]);
  let odd1 = (-2.0 / 9.0) * (u[1] - u[2]);
  let even2 = (1.0 / 90.0) * (u[3] + u[4]);
  let odd2 = (1.0 / 90.0) * (u[3] - u[4]);
  let even3 = (32.0 / 45.0) * (u[5] + u[6]);
  let odd3 = (32.0 / 45.0) * (u[5] - u[6]);
  return Taps(u[0] + even1 + even2 + even3, odd1 + 2.0 * odd2 + 0.5 * odd3, even1 + 4.0 * even2 + 0.25 * even3,
    odd1 + 8.0 * odd2 + 0.125 * odd3, even1 + 16.0 * even2 + 0.0625 * even3 + u[7]);
}
