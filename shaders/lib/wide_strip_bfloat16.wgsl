// lib/wide_strip.wgsl where "wide" has windows of 2x2 pixels in bfloat16, [C][H/2][W/2][N][2 rows]: a word has the two pixels of a row.
// Height and width are even.
// The shader that includes this declares wide and params with height, width and batch.
#import lib/bfloat16.wgsl

struct Strip { p0: f32, p1: f32, p2: f32, p3: f32, p4: f32, p5: f32, p6: f32 }

// The two rows of a window have W N words, of which every second one is this row's.
fn wide_row(channel: u32, y: u32, n: u32) -> u32 {
  return (channel * params.height + y - (y & 1u)) * params.width / 2u * params.batch + 2u * n + (y & 1u);
}

// Pixels x and x + 1, x even, of the row that starts at `row`. Outside, some others are loaded and do not count.
fn wide_pixels(row: u32, x: u32) -> vec2f {
  let pair = unpack_bfloat16(wide[row + min(x, params.width - 2u) * params.batch]);
  return select(vec2f(), pair, x < params.width);
}

fn wide_strip(channel: u32, y: u32, x: u32, n: u32) -> Strip {
  let row = wide_row(channel, y, n);
  let odd = (x & 1u) == 1u;
  let first = x - (x & 1u);
  let a = wide_pixels(row, first);
  let b = wide_pixels(row, first + 2u);
  let c = wide_pixels(row, first + 4u);
  let d = wide_pixels(row, first + 6u);
  return Strip(select(a.x, a.y, odd), select(a.y, b.x, odd), select(b.x, b.y, odd), select(b.y, c.x, odd), select(c.x, c.y, odd),
    select(c.y, d.x, odd), select(d.x, d.y, odd));
}

fn wide_four(channel: u32, y: u32, x: u32, n: u32) -> vec4f {
  let row = wide_row(channel, y, n);
  return vec4f(wide_pixels(row, x), wide_pixels(row, x + 2u));
}
