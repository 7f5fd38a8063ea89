// The parameters of a network of single kernels, in one buffer.

/** The offsets of the kernel and the bias of each convolution, in floats, and the size of all. */
export function placesOf(shapes) {
  let size = 0;
  const next = (count) => {
    size += count;
    return size - count;
  };
  const layers = shapes.map(({ kernelSize, inChannels, outChannels }) => {
    const taps = kernelSize ** 2 * inChannels;
    return { kernel: next(taps * outChannels), bias: next(outChannels), taps };
  });
  return { size, layers };
}

/** Kernels uniform with a variance of 2 / taps (He and others, 2015), biases 0. */
export function initialParameters({ size, layers }, seed) {
  const values = new Float32Array(size);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // a linear congruential generator
    return (state >>> 8) * 2 ** -24;
  };
  for (const { kernel, bias, taps } of layers)
    for (let i = kernel; i < bias; i++) values[i] = (2 * random() - 1) * Math.sqrt(6 / taps);
  return values;
}
