// Winograd F(6x6, 3x3): its five transforms in one dimension.
// Interpolation points 0, 1/2, -1/2, 1, -1, 2, -2, infinity, in this order: one "frequency" each, 8 per axis, 64 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 8x8 inputs, w: 3x3 kernel, Y: 6x6 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-p shares its even and its odd part: result = even + odd and even - odd. Written by `npm run winograd`.
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 6u; // outputs
const KERNEL = 3u; // taps
const RADIUS = 1; // (KERNEL - 1) / 2
const SIDE = 8u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 8>;
alias Tile = array<Lane, 6>;
alias Taps = array<Lane, 3>;

// B' x: 8 inputs to 8 frequencies.
fn input_transform(x: Side) -> Side {
  let even1 = 4.0 * x[2] - 5.0 * x[4] + x[6];
  let odd1 = 2.0 * x[1] - 2.5 * x[3] + 0.5 * x[5];
  let even2 = x[2] - 4.25 * x[4] + x[6];
  let odd2 = x[1] - 4.25 * x[3] + x[5];
  let even3 = 0.25 * x[2] - 1.25 * x[4] + x[6];
  let odd3 = 0.5 * x[1] - 2.5 * x[3] + 2.0 * x[5];
  return Side(
    -x[0] + 5.25 * x[2] - 5.25 * x[4] + x[6],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    -x[1] + 5.25 * x[3] - 5.25 * x[5] + x[7],
  );
}

// A' m: 8 frequencies to 6 outputs.
fn output_transform(m: Side) -> Tile {
  let even1 = m[1] + m[2];
  let odd1 = m[1] - m[2];
  let even2 = m[3] + m[4];
  let odd2 = m[3] - m[4];
  let even3 = m[5] + m[6];
  let odd3 = m[5] - m[6];
  return Tile(
    m[0] + even1 + even2 + even3,
    0.5 * odd1 + odd2 + 2.0 * odd3,
    0.25 * even1 + even2 + 4.0 * even3,
    0.125 * odd1 + odd2 + 8.0 * odd3,
    0.0625 * even1 + even2 + 16.0 * even3,
    0.03125 * odd1 + odd2 + 32.0 * odd3 + m[7],
  );
}

// A y: 6 output gradients to 8 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + 0.25 * y[2] + 0.0625 * y[4];
  let odd1 = 0.5 * y[1] + 0.125 * y[3] + 0.03125 * y[5];
  let even2 = y[0] + y[2] + y[4];
  let odd2 = y[1] + y[3] + y[5];
  let even3 = y[0] + 4.0 * y[2] + 16.0 * y[4];
  let odd3 = 2.0 * y[1] + 8.0 * y[3] + 32.0 * y[5];
  return Side(
    y[0],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    y[5],
  );
}

// G w: 3 kernel taps to 8 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = (32.0 / 45.0) * w[0] + (8.0 / 45.0) * w[2];
  let odd1 = (16.0 / 45.0) * w[1];
  let even2 = -(2.0 / 9.0) * w[0] - (2.0 / 9.0) * w[2];
  let odd2 = -(2.0 / 9.0) * w[1];
  let even3 = (1.0 / 90.0) * w[0] + (2.0 / 45.0) * w[2];
  let odd3 = (1.0 / 45.0) * w[1];
  return Side(
    -w[0],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    w[2],
  );
}

// G' u: 8 frequencies to 3 kernel taps.
fn kernel_gradient_transform(u: Side) -> Taps {
  let even1 = u[1] + u[2];
  let odd1 = u[1] - u[2];
  let even2 = u[3] + u[4];
  let odd2 = u[3] - u[4];
  let even3 = u[5] + u[6];
  let odd3 = u[5] - u[6];
  return Taps(
    -u[0] + (32.0 / 45.0) * even1 - (2.0 / 9.0) * even2 + (1.0 / 90.0) * even3,
    (16.0 / 45.0) * odd1 - (2.0 / 9.0) * odd2 + (1.0 / 45.0) * odd3,
    (8.0 / 45.0) * even1 - (2.0 / 9.0) * even2 + (2.0 / 45.0) * even3 + u[7],
  );
}
