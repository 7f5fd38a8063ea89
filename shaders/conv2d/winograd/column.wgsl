// Elements of a window of an image, shared by the Winograd transforms that read images.
// The shader that imports this declares Lane, params with width and batch, and
//   element  what lies at an index of the image tensor [channels][height][width][batch].

// A column of the window: how far its elements are from the start of an image row (moved inside), and 1 if it is inside, else 0.
// The same in all rows, so worked out once.
struct Column { at: u32, inside: f32 }

fn column(x: i32) -> Column {
  let width = i32(params.width);
  return Column(u32(clamp(x, 0, width - 1)) * params.batch, select(0.0, 1.0, x >= 0 && x < width));
}

// Element of the image row that starts at `row`, zero outside. (A factor: a branch per load is slower, and so is a
// select on SwiftShader. What it makes zero is an element of the same row that the tile holds anyway.)
fn pixel(row: u32, column: Column) -> Lane {
  return element(row + column.at) * column.inside;
}
