// The addend of the last pass of a Winograd convolution, for every element of a channel of an image: the bias, with `image_bias` plus the
// image's bias. The shader that imports this declares bias and, with `image_bias`, image_bias [rows][batch], of Lanes.

fn addend(channel: u32, image: u32) -> Lane {
#if image_bias
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.batch + image];
#else
  return Lane(bias[channel]);
#endif
}
