// What the sums of one_input.wgsl begin with: the bias of the channel, with `image_bias` also that of the image.
// The shader that imports this declares bias, and then image_bias [rows][images].

fn start(channel: u32, n: u32) -> Lane {
#if image_bias
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.images + n];
#else
  return Lane(bias[channel]);
#endif
}
