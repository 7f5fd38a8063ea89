// The initial value of the sums of one_input.wgsl: the bias of the channel, with `image_bias` plus the image's bias.
// The shader that imports this declares bias and, with `image_bias`, image_bias [rows][images].

fn start(channel: u32, n: u32) -> Lane {
#if image_bias
  return bias[channel] + image_bias[(params.image_bias_at + channel) * params.images + n];
#else
  return Lane(bias[channel]);
#endif
}
