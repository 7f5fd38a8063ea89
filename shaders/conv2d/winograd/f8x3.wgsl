// Winograd F(8x8, 3x3): its five transforms in one dimension.
// Interpolation points 0, 3/8, -3/8, 1, -1, 5/4, -5/4, 2, -2, infinity, in this order: one "frequency" each, 10 per axis, 100 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 10x10 inputs, w: 3x3 kernel, Y: 8x8 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-p shares its even and its odd part: result = even + odd and even - odd. Written by `npm run winograd`.
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 8u; // outputs
const KERNEL = 3u; // taps
const RADIUS = 1; // (KERNEL - 1) / 2
const SIDE = 10u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 10>;
alias Tile = array<Lane, 8>;
alias Taps = array<Lane, 3>;

// B' x: 10 inputs to 10 frequencies.
fn input_transform(x: Side) -> Side {
  let even1 = -6.25 * x[2] + 11.8125 * x[4] - 6.5625 * x[6] + x[8];
  let odd1 = -2.34375 * x[1] + 4.4296875 * x[3] - 2.4609375 * x[5] + 0.375 * x[7];
  let even2 = -0.87890625 * x[2] + 7.0322265625 * x[4] - 5.703125 * x[6] + x[8];
  let odd2 = -0.87890625 * x[1] + 7.0322265625 * x[3] - 5.703125 * x[5] + x[7];
  let even3 = -0.5625 * x[2] + 4.703125 * x[4] - 5.140625 * x[6] + x[8];
  let odd3 = -0.703125 * x[1] + 5.87890625 * x[3] - 6.42578125 * x[5] + 1.25 * x[7];
  let even4 = -0.2197265625 * x[2] + 1.9228515625 * x[4] - 2.703125 * x[6] + x[8];
  let odd4 = -0.439453125 * x[1] + 3.845703125 * x[3] - 5.40625 * x[5] + 2.0 * x[7];
  return Side(
    0.87890625 * x[0] - 7.9111328125 * x[2] + 12.7353515625 * x[4] - 6.703125 * x[6] + x[8],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    even4 + odd4,
    even4 - odd4,
    0.87890625 * x[1] - 7.9111328125 * x[3] + 12.7353515625 * x[5] - 6.703125 * x[7] + x[9],
  );
}

// A' m: 10 frequencies to 8 outputs.
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
    0.375 * odd1 + odd2 + 1.25 * odd3 + 2.0 * odd4,
    0.140625 * even1 + even2 + 1.5625 * even3 + 4.0 * even4,
    0.052734375 * odd1 + odd2 + 1.953125 * odd3 + 8.0 * odd4,
    0.019775390625 * even1 + even2 + 2.44140625 * even3 + 16.0 * even4,
    0.007415771484375 * odd1 + odd2 + 3.0517578125 * odd3 + 32.0 * odd4,
    0.002780914306640625 * even1 + even2 + 3.814697265625 * even3 + 64.0 * even4,
    0.0010428428649902344 * odd1 + odd2 + 4.76837158203125 * odd3 + 128.0 * odd4 + m[9],
  );
}

// A y: 8 output gradients to 10 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + 0.140625 * y[2] + 0.019775390625 * y[4] + 0.002780914306640625 * y[6];
  let odd1 = 0.375 * y[1] + 0.052734375 * y[3] + 0.007415771484375 * y[5] + 0.0010428428649902344 * y[7];
  let even2 = y[0] + y[2] + y[4] + y[6];
  let odd2 = y[1] + y[3] + y[5] + y[7];
  let even3 = y[0] + 1.5625 * y[2] + 2.44140625 * y[4] + 3.814697265625 * y[6];
  let odd3 = 1.25 * y[1] + 1.953125 * y[3] + 3.0517578125 * y[5] + 4.76837158203125 * y[7];
  let even4 = y[0] + 4.0 * y[2] + 16.0 * y[4] + 64.0 * y[6];
  let odd4 = 2.0 * y[1] + 8.0 * y[3] + 32.0 * y[5] + 128.0 * y[7];
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
    y[7],
  );
}

// G w: 3 kernel taps to 10 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = -(8388608.0 / 11126115.0) * w[0] - (131072.0 / 1236235.0) * w[2];
  let odd1 = -(1048576.0 / 3708705.0) * w[1];
  let even2 = (512.0 / 1485.0) * w[0] + (512.0 / 1485.0) * w[2];
  let odd2 = (512.0 / 1485.0) * w[1];
  let even3 = -(131072.0 / 798525.0) * w[0] - (8192.0 / 31941.0) * w[2];
  let odd3 = -(32768.0 / 159705.0) * w[1];
  let even4 = (128.0 / 28899.0) * w[0] + (512.0 / 28899.0) * w[2];
  let odd4 = (256.0 / 28899.0) * w[1];
  return Side(
    (256.0 / 225.0) * w[0],
    even1 + odd1,
    even1 - odd1,
    even2 + odd2,
    even2 - odd2,
    even3 + odd3,
    even3 - odd3,
    even4 + odd4,
    even4 - odd4,
    w[2],
  );
}

// G' u: 10 frequencies to 3 kernel taps.
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
    (256.0 / 225.0) * u[0] - (8388608.0 / 11126115.0) * even1 + (512.0 / 1485.0) * even2 - (131072.0 / 798525.0) * even3 + (128.0 / 28899.0) * even4,
    -(1048576.0 / 3708705.0) * odd1 + (512.0 / 1485.0) * odd2 - (32768.0 / 159705.0) * odd3 + (256.0 / 28899.0) * odd4,
    -(131072.0 / 1236235.0) * even1 + (512.0 / 1485.0) * even2 - (8192.0 / 31941.0) * even3 + (512.0 / 28899.0) * even4 + u[9],
  );
}

