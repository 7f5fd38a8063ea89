// Loads elements of a window of an image; shared by the Winograd transforms that read images.
// The shader that imports this declares Lane, params with width and batch, and
//   element  returns the element at an index of the image tensor [channels][height][width][batch].

// A column of the window: the distance of its elements from the start of an image row (clamped into the image), and 1 if the column is
// inside, else 0. It is the same for all rows, so it is computed once.
struct Column { at: u32, inside: f32 }

fn column(x: i32) -> Column {
  let width = i32(params.width);
  return Column(u32(clamp(x, 0, width - 1)) * params.batch, select(0.0, 1.0, x >= 0 && x < width));
}

// Element of the image row that starts at `row`, zero outside. (It multiplies by a factor because a branch per load is slower, and so is a
// select on SwiftShader. The element that becomes zero is one of the same row that the tile loads anyway.)
fn pixel(row: u32, column: Column) -> Lane {
  return element(row + column.at) * column.inside;
}
