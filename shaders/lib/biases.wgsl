// What a convolution adds to all elements of an output channel of an image: its biases.
// The shader that imports this declares
//   Lane     a type for the images of an invocation;
//   params   biases: 0 for an input gradient, which has none, 1 for the channel's, 2 for the image's, too;
//            image_bias_at: the row of image_bias for channel 0;
//   bias [channels] and image_bias [rows][lanes]: a tensor that params.biases leaves out is not read, and may be any.

fn addend(channel: u32, lane: u32, lanes: u32) -> Lane {
  if (params.biases == 0u) { return Lane(0); }
  if (params.biases == 1u) { return Lane(bias[channel]); }
  return bias[channel] + image_bias[(params.image_bias_at + channel) * lanes + lane];
}
