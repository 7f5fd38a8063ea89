// Winograd F(7x7, 3x3): its five transforms in one dimension.
// Interpolation points 0, 3/8, -3/8, 1, -1, 3/2, -3/2, 15/4, -15/4, in this order: one "frequency" each, 9 per axis, 81 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 9x9 inputs, w: 3x3 kernel, Y: 7x7 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-p shares its even and its odd part: result = even + odd and even - odd. Written by `npm run winograd`.
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 7u; // outputs
const KERNEL = 3u; // taps
const RADIUS = 1; // (KERNEL - 1) / 2
const SIDE = 9u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 9>;
alias Tile = array<Lane, 7>;
alias Taps = array<Lane, 3>;

// B' x: 9 inputs to 9 frequencies.
fn input_transform(x: Side) -> Side {
  let even1 = -31.640625 * x[2] + 47.953125 * x[4] - 17.3125 * x[6] + x[8];
  let odd1 = -11.865234375 * x[1] + 17.982421875 * x[3] - 6.4921875 * x[5] + 0.375 * x[7];
  let even2 = -4.449462890625 * x[2] + 33.9345703125 * x[4] - 16.453125 * x[6] + x[8];
  let odd2 = -4.449462890625 * x[1] + 33.9345703125 * x[3] - 16.453125 * x[5] + x[7];
  let even3 = -1.9775390625 * x[2] + 16.1806640625 * x[4] - 15.203125 * x[6] + x[8];
  let odd3 = -2.96630859375 * x[1] + 24.27099609375 * x[3] - 22.8046875 * x[5] + 1.5 * x[7];
  let even4 = -0.31640625 * x[2] + 2.70703125 * x[4] - 3.390625 * x[6] + x[8];
  let odd4 = -1.1865234375 * x[1] + 10.1513671875 * x[3] - 12.71484375 * x[5] + 3.75 * x[7];
  return Side(
    4.449462890625 * x[0] - 38.384033203125 * x[2] + 50.3876953125 * x[4] - 17.453125 * x[6] + x[8],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    even4 + odd4,
    even4 - odd4,
  );
}

// A' m: 9 frequencies to 7 outputs.
fn output_transform(m: Side) -> Tile {
  let even1 = m[1] + m[2];
  let odd1 = m[1] - m[2];
  let even2 = m[3] + m[4];
  let odd2 = m[3] - m[4];
  let even3 = m[5] + m[6];
  let odd3 = m[5] - m[6];
  let even4 = m[7] + m[8];
  let odd4 = m[7] - m[8];
  return Tile(
    m[0] + even1 + even2 + even3 + even4,
    0.375 * odd1 + odd2 + 1.5 * odd3 + 3.75 * odd4,
    0.140625 * even1 + even2 + 2.25 * even3 + 14.0625 * even4,
    0.052734375 * odd1 + odd2 + 3.375 * odd3 + 52.734375 * odd4,
    0.019775390625 * even1 + even2 + 5.0625 * even3 + 197.75390625 * even4,
    0.007415771484375 * odd1 + odd2 + 7.59375 * odd3 + 741.5771484375 * odd4,
    0.002780914306640625 * even1 + even2 + 11.390625 * even3 + 2780.914306640625 * even4,
  );
}

// A y: 7 output gradients to 9 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + 0.140625 * y[2] + 0.019775390625 * y[4] + 0.002780914306640625 * y[6];
  let odd1 = 0.375 * y[1] + 0.052734375 * y[3] + 0.007415771484375 * y[5];
  let even2 = y[0] + y[2] + y[4] + y[6];
  let odd2 = y[1] + y[3] + y[5];
  let even3 = y[0] + 2.25 * y[2] + 5.0625 * y[4] + 11.390625 * y[6];
  let odd3 = 1.5 * y[1] + 3.375 * y[3] + 7.59375 * y[5];
  let even4 = y[0] + 14.0625 * y[2] + 197.75390625 * y[4] + 2780.914306640625 * y[6];
  let odd4 = 3.75 * y[1] + 52.734375 * y[3] + 741.5771484375 * y[5];
  return Side(
    y[0],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    even4 + odd4,
    even4 - odd4,
  );
}

// G w: 3 kernel taps to 9 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = -(8388608.0 / 59541075.0) * w[0] - (131072.0 / 6615675.0) * w[2];
  let odd1 = -(1048576.0 / 19847025.0) * w[1];
  let even2 = (2048.0 / 57475.0) * w[0] + (2048.0 / 57475.0) * w[2];
  let odd2 = (2048.0 / 57475.0) * w[1];
  let even3 = -(8192.0 / 1148175.0) * w[0] - (2048.0 / 127575.0) * w[2];
  let odd3 = -(4096.0 / 382725.0) * w[1];
  let even4 = (131072.0 / 7918962975.0) * w[0] + (8192.0 / 35195391.0) * w[2];
  let odd4 = (32768.0 / 527930865.0) * w[1];
  return Side(
    (4096.0 / 18225.0) * w[0],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    even4 + odd4,
    even4 - odd4,
  );
}

// G' u: 9 frequencies to 3 kernel taps.
fn kernel_gradient_transform(u: Side) -> Taps {
  let even1 = u[1] + u[2];
  let odd1 = u[1] - u[2];
  let even2 = u[3] + u[4];
  let odd2 = u[3] - u[4];
  let even3 = u[5] + u[6];
  let odd3 = u[5] - u[6];
  let even4 = u[7] + u[8];
  let odd4 = u[7] - u[8];
  return Taps(
    (4096.0 / 18225.0) * u[0] - (8388608.0 / 59541075.0) * even1 + (2048.0 / 57475.0) * even2 - (8192.0 / 1148175.0) * even3 + (131072.0 / 7918962975.0) * even4,
    -(1048576.0 / 19847025.0) * odd1 + (2048.0 / 57475.0) * odd2 - (4096.0 / 382725.0) * odd3 + (32768.0 / 527930865.0) * odd4,
    -(131072.0 / 6615675.0) * even1 + (2048.0 / 57475.0) * even2 - (2048.0 / 127575.0) * even3 + (8192.0 / 35195391.0) * even4,
  );
}
