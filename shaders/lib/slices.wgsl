// Adds up partial sums that are stored as slices, one after the other, in their order: every caller gets the same bits.
// The shader that imports this declares `slices`, an array of Element, which is f32 or vec4f.

// The sum of `count` elements, at first, first + pitch and so on.
fn sum_of_slices(first: u32, pitch: u32, count: u32) -> Element {
  var sum: Element;
  var at = first;
  // There may be hundreds of slices but few invocations: eight loads at once keep a GPU from waiting for each load in turn.
  for (var eights = count / 8u; eights > 0u; eights--) {
    let a = slices[at];
    let b = slices[at + pitch];
    let c = slices[at + 2u * pitch];
    let d = slices[at + 3u * pitch];
    let e = slices[at + 4u * pitch];
    let f = slices[at + 5u * pitch];
    let g = slices[at + 6u * pitch];
    let h = slices[at + 7u * pitch];
    sum = sum + a + b + c + d + e + f + g + h;
    at += 8u * pitch;
  }
  for (var rest = count % 8u; rest > 0u; rest--) {
    sum += slices[at];
    at += pitch;
  }
  return sum;
}
