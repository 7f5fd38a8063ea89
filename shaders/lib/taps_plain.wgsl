// 25 weights without subgroups: every lane loads them all. The shader that includes this declares kernel: array<f32>.
#import lib/taps.wgsl

// The first of the weights is at `at`, the next ones `stride` apart.
fn taps_at(at: u32, stride: u32) -> Taps {
  return Taps(kernel[at], kernel[at + stride], kernel[at + 2u * stride], kernel[at + 3u * stride], kernel[at + 4u * stride],
    kernel[at + 5u * stride], kernel[at + 6u * stride], kernel[at + 7u * stride], kernel[at + 8u * stride], kernel[at + 9u * stride],
    kernel[at + 10u * stride], kernel[at + 11u * stride], kernel[at + 12u * stride], kernel[at + 13u * stride],
    kernel[at + 14u * stride], kernel[at + 15u * stride], kernel[at + 16u * stride], kernel[at + 17u * stride],
    kernel[at + 18u * stride], kernel[at + 19u * stride], kernel[at + 20u * stride], kernel[at + 21u * stride],
    kernel[at + 22u * stride], kernel[at + 23u * stride], kernel[at + 24u * stride]);
}
