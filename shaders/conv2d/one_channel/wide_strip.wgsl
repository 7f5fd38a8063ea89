// Loads pixels of a row of "wide", [C][H][W][N], 0 outside; for conv2d_grad_kernel.one_channel and its form for GPUs.
// The shader that imports this declares wide and params with height, width and batch.

alias Strip = array<f32, 7>;

fn wide_row(channel: u32, y: u32, n: u32) -> u32 {
  return (channel * params.height + y) * params.width * params.batch + n;
}

// Pixel x of the row that starts at `row`; 0 outside, where the load is clamped into the row and its value not used.
fn wide_pixel(row: u32, x: u32) -> f32 {
  return select(0.0, wide[row + min(x, params.width - 1u) * params.batch], x < params.width);
}

// Seven pixels, the first at x.
fn wide_strip(channel: u32, y: u32, x: u32, n: u32) -> Strip {
  let row = wide_row(channel, y, n);
  return Strip(wide_pixel(row, x), wide_pixel(row, x + 1u), wide_pixel(row, x + 2u), wide_pixel(row, x + 3u), wide_pixel(row, x + 4u),
    wide_pixel(row, x + 5u), wide_pixel(row, x + 6u));
}

// Four pixels, the first at an even x.
fn wide_four(channel: u32, y: u32, x: u32, n: u32) -> vec4f {
  let row = wide_row(channel, y, n);
  return vec4f(wide_pixel(row, x), wide_pixel(row, x + 1u), wide_pixel(row, x + 2u), wide_pixel(row, x + 3u));
}
