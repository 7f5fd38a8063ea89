// Winograd F(7x7, 5x5): its five transforms in one dimension.
// Interpolation points 0, 3/8, -3/8, 3/4, -3/4, 1, -1, 2, -2, 4, -4, in this order: one "frequency" each, 11 per axis, 121 in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: 11x11 inputs, w: 5x5 kernel, Y: 7x7 outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-a shares its even and its odd part: result = even + odd and even - odd. (harness/specs/lib/winograd_gain.ts computes the
// rounding error of these points: with infinity in place of 0, or other fractions, it would differ by less than 15%.)
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = 7u; // outputs
const KERNEL = 5u; // taps
const RADIUS = 2; // (KERNEL - 1) / 2
const SIDE = 11u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, 11>;
alias Tile = array<Lane, 7>;
alias Taps = array<Lane, 5>;

// B' x: 11 inputs to 11 frequencies. The row of point p has the coefficients of the product of (x - q) over all other points q, which for
// a pair is x (x +- p) times the product of (x^2 - q^2) over the other pairs.
fn input_transform(x: Side) -> Side {
  let even1 = 36.0 * x[2] - 111.25 * x[4] + 95.8125 * x[6] - 21.5625 * x[8] + x[10];
  let odd1 = 13.5 * x[1] - 41.71875 * x[3] + 35.9296875 * x[5] - 8.0859375 * x[7] + 0.375 * x[9];
  let even2 = 9.0 * x[2] - 75.8125 * x[4] + 86.953125 * x[6] - 21.140625 * x[8] + x[10];
  let odd2 = 6.75 * x[1] - 56.859375 * x[3] + 65.21484375 * x[5] - 15.85546875 * x[7] + 0.75 * x[9];
  let even3 = 5.0625 * x[2] - 46.58203125 * x[4] + 78.1416015625 * x[6] - 20.703125 * x[8] + x[10];
  let odd3 = 5.0625 * x[1] - 46.58203125 * x[3] + 78.1416015625 * x[5] - 20.703125 * x[7] + x[9];
  let even4 = 1.265625 * x[2] - 12.5947265625 * x[4] + 28.0322265625 * x[6] - 17.703125 * x[8] + x[10];
  let odd4 = 2.53125 * x[1] - 25.189453125 * x[3] + 56.064453125 * x[5] - 35.40625 * x[7] + 2.0 * x[9];
  let even5 = 0.31640625 * x[2] - 3.2080078125 * x[4] + 7.5947265625 * x[6] - 5.703125 * x[8] + x[10];
  let odd5 = 1.265625 * x[1] - 12.83203125 * x[3] + 30.37890625 * x[5] - 22.8125 * x[7] + 4.0 * x[9];
  return Side(-5.0625 * x[0] + 51.64453125 * x[2] - 124.7236328125 * x[4] + 98.8447265625 * x[6] - 21.703125 * x[8] + x[10],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// A' m: 11 frequencies to 7 outputs.
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
    0.375 * odd1 + 0.75 * odd2 + odd3 + 2.0 * odd4 + 4.0 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 4.0 * even4 + 16.0 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 8.0 * odd4 + 64.0 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 16.0 * even4 + 256.0 * even5,
    0.007415771484375 * odd1 + 0.2373046875 * odd2 + odd3 + 32.0 * odd4 + 1024.0 * odd5,
    0.002780914306640625 * even1 + 0.177978515625 * even2 + even3 + 64.0 * even4 + 4096.0 * even5);
}

// A y: 7 output gradients to 11 frequencies.
fn gradient_transform(y: Tile) -> Side {
  let even1 = y[0] + 0.140625 * y[2] + 0.019775390625 * y[4] + 0.002780914306640625 * y[6];
  let odd1 = 0.375 * y[1] + 0.052734375 * y[3] + 0.007415771484375 * y[5];
  let even2 = y[0] + 0.5625 * y[2] + 0.31640625 * y[4] + 0.177978515625 * y[6];
  let odd2 = 0.75 * y[1] + 0.421875 * y[3] + 0.2373046875 * y[5];
  let even3 = y[0] + y[2] + y[4] + y[6];
  let odd3 = y[1] + y[3] + y[5];
  let even4 = y[0] + 4.0 * y[2] + 16.0 * y[4] + 64.0 * y[6];
  let odd4 = 2.0 * y[1] + 8.0 * y[3] + 32.0 * y[5];
  let even5 = y[0] + 16.0 * y[2] + 256.0 * y[4] + 4096.0 * y[6];
  let odd5 = 4.0 * y[1] + 64.0 * y[3] + 1024.0 * y[5];
  return Side(y[0],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// G w: 5 kernel taps to 11 frequencies.
fn kernel_transform(w: Taps) -> Side {
  let even1 = (536870912.0 / 3350672325.0) * (w[0] + 0.140625 * w[2] + 0.019775390625 * w[4]);
  let odd1 = (536870912.0 / 3350672325.0) * (0.375 * w[1] + 0.052734375 * w[3]);
  let even2 = (-2097152.0 / 23108085.0) * (w[0] + 0.5625 * w[2] + 0.31640625 * w[4]);
  let odd2 = (-2097152.0 / 23108085.0) * (0.75 * w[1] + 0.421875 * w[3]);
  let even3 = (512.0 / 17325.0) * (w[0] + w[2] + w[4]);
  let odd3 = (512.0 / 17325.0) * (w[1] + w[3]);
  let even4 = (-32.0 / 122265.0) * (w[0] + 4.0 * w[2] + 16.0 * w[4]);
  let odd4 = (-32.0 / 122265.0) * (2.0 * w[1] + 8.0 * w[3]);
  let even5 = (8.0 / 11281725.0) * (w[0] + 16.0 * w[2] + 256.0 * w[4]);
  let odd5 = (8.0 / 11281725.0) * (4.0 * w[1] + 64.0 * w[3]);
  return Side((-16.0 / 81.0) * w[0],
    even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, even3 + odd3, even3 - odd3, even4 + odd4, even4 - odd4, even5 + odd5, even5 - odd5);
}

// G' u: 11 frequencies to 5 kernel taps.
fn kernel_gradient_transform(u: Side) -> Taps {
  let even1 = (536870912.0 / 3350672325.0) * (u[1] + u[2]);
  let odd1 = (536870912.0 / 3350672325.0) * (u[1] - u[2]);
  let even2 = (-2097152.0 / 23108085.0) * (u[3] + u[4]);
  let odd2 = (-2097152.0 / 23108085.0) * (u[3] - u[4]);
  let even3 = (512.0 / 17325.0) * (u[5] + u[6]);
  let odd3 = (512.0 / 17325.0) * (u[5] - u[6]);
  let even4 = (-32.0 / 122265.0) * (u[7] + u[8]);
  let odd4 = (-32.0 / 122265.0) * (u[7] - u[8]);
  let even5 = (8.0 / 11281725.0) * (u[9] + u[10]);
  let odd5 = (8.0 / 11281725.0) * (u[9] - u[10]);
  return Taps((-16.0 / 81.0) * u[0] + even1 + even2 + even3 + even4 + even5,
    0.375 * odd1 + 0.75 * odd2 + odd3 + 2.0 * odd4 + 4.0 * odd5,
    0.140625 * even1 + 0.5625 * even2 + even3 + 4.0 * even4 + 16.0 * even5,
    0.052734375 * odd1 + 0.421875 * odd2 + odd3 + 8.0 * odd4 + 64.0 * odd5,
    0.019775390625 * even1 + 0.31640625 * even2 + even3 + 16.0 * even4 + 256.0 * even5);
}
