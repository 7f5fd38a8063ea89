// Passes on the sums of one_input.wgsl in 2x2 windows; for images of even height and width.
// The shader that imports this declares
//   window   processes the sums of a window, a b above c d. `at` is the index of a in [channels][H][W][images], the others are at + images,
//            + row and + row + images with row = width * images; `low` is the index of the window in [channels][H/2][W/2][images].
#import conv2d/one_channel/one_input.wgsl

fn finish(place: Place, o: u32, sums: Patch) {
  let at = ((o * params.height + place.y) * params.width + place.x) * params.images + place.n;
  let low = ((o * params.height + place.y) * params.width / 4u + place.x / 2u) * params.images + place.n;
  if (place.columns >= 2u) { window(at, low, sums.a0, sums.a1, sums.b0, sums.b1); }
  if (place.columns == 4u) { window(at + 2u * params.images, low + params.images, sums.a2, sums.a3, sums.b2, sums.b3); }
}
