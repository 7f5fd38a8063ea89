/** The words of the tables that not everybody knows. A press on one explains it where it stands, by mouse, finger and keyboard alike. */

export const terms: Readonly<Record<string, string>> = {
  'Share of the allowed error':
    'Numbers on a GPU are rounded, so a result differs a little from the exact one. How much it may is worked out for every single number of a result, from how many roundings went into it. This is the largest error of all cases as a share of what was allowed there: up to 100% is right, however near, and every share below that is as good as any other. “Exact” has no error at all. A wrong kernel is far beyond.',
  Cases:
    'Sizes and situations in which the variant was compared with its reference: one pixel, odd and prime sizes, batches that are padded, the network’s own layers at a small batch.',
  Compile:
    'How long the browser and the driver took to compile the variant’s shaders. A shader that several variants run counts for each, and several compile at once; a driver that has compiled one before may take it from its own cache.',
  Variant:
    'One of several ways to compute the same thing. Which is fastest depends on the device and on the layer.',
  inside:
    'GFLOP/s without the taps outside the image. At its border a convolution multiplies by zeros that are not there, and a good kernel leaves these products out: GFLOP/s count them all the same, as libraries do; “inside” does not.',
  'of peak':
    'How near it comes to what this device can do: the larger of two shares, that of “inside” in the device’s own peak of arithmetic, and that of GB/s in a plain copy of about as many bytes. Both peaks are measured in the same run. Winograd’s kernels multiply less than they are credited with, and so may be above 100%.',
  'GFLOP/s':
    'Billions of additions and multiplications a second, nominal: those of the plain sum, whatever the variant really computes.',
  'GB/s': 'Billions of bytes a second: each tensor counts once, as if caches were perfect.',
  'p10 … p90':
    'The band that holds all samples but the lowest tenth and the highest tenth. Where it is wide, the machine was busy.',
  ms: 'Milliseconds: the median of all samples.',
  n: 'Number of samples, of which the median is shown.',
  ops: 'How many times the kernel is called.',
  share:
    'Of the sum of all calls, each timed alone. Alone, a call finds its tensors in a cache and overlaps with no other, so the sum differs from the whole; on a processor that is busy it may be several times as long.',
  'ps/MAC':
    'Picoseconds for each multiply-add inside the images. The same at every size if the cost grows as the work does.',
  Roofline:
    'Each mark is a kernel that was timed: how fast it computes, over how many operations it makes of each byte that it moves. Kernels at the left wait for memory, and the slope is the most that memory lets them do; those at the right can at best come up to the level line, the peak of arithmetic. Winograd’s may be above it, as they multiply less than they are credited with.',
  'Peak arithmetic': 'The most multiply-adds a second that this device was seen to make, in registers alone.',
  'Peak memory': 'Bytes read and written a second by a copy that is larger than the caches.',
  'Sampling step':
    'One of the steps from noise to images: a forward pass, and mixing what it predicts into the images.',
  'after / before': 'The later median divided by the earlier one: 0.50x takes half as long.',
};

/** The word as text, or as a button that explains it. */
export function termed(word: string): (Node | string)[] {
  const meaning = terms[word];
  if (meaning === undefined) return [word];
  const tip = Object.assign(document.createElement('span'), { className: 'tip', textContent: meaning });
  tip.popover = 'auto';
  const button = Object.assign(document.createElement('button'), {
    ...{ type: 'button', className: 'term', textContent: word },
    popoverTargetElement: tip,
  });
  return [button, tip];
}

/** Explains the marked words of a part of the page. */
export function explainWords(part: HTMLElement): void {
  for (const word of part.querySelectorAll<HTMLElement>('[data-term]'))
    word.replaceChildren(...termed(word.textContent));
}
