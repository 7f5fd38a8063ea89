/** Explains a technical term of a table in place when it is pressed, by mouse, finger or keyboard. */

export const terms: Readonly<Record<string, string>> = {
  'Share of the allowed error':
    'A GPU rounds its numbers, so a result differs a little from the exact one. For each number of a result, the check works out how large this difference may be, from how many roundings went into it. The column shows the largest error of all cases as a share of what is allowed there: up to 100% is right, and a smaller share is no better. “Exact” means no error at all. A wrong kernel is far above 100%.',
  Cases:
    'Sizes and situations in which the variant was compared with its reference: one pixel, odd and prime sizes, batches that are padded, the network’s own layers at a small batch.',
  Compile:
    'How long the browser and the driver took to compile the variant’s shaders. A shader that several variants run counts for each, and several compile at once; a driver that has compiled one before may take it from its own cache.',
  Variant:
    'One of several ways to compute the same thing. Which is fastest depends on the device and on the layer.',
  inside:
    'GFLOP/s without the products outside the image. At the border of an image, a convolution multiplies by zeros, and a good kernel leaves these products out. GFLOP/s count them all the same, as libraries do; “inside” does not.',
  'of peak':
    'How close the kernel comes to the limits of this device. It is the larger of two shares: “inside” as a share of the device’s peak arithmetic, and GB/s as a share of what a plain copy of about as many bytes reaches. Both peaks are measured in the same run. Winograd’s kernels multiply less than they are credited with, so they may be above 100%.',
  'GFLOP/s':
    'Billions of additions and multiplications a second. The plain sum is counted, whatever the variant really computes.',
  'GB/s': 'Billions of bytes a second. Each tensor counts once, as if caches were perfect.',
  'p10 … p90':
    'The range of the samples without the lowest tenth and the highest tenth. Where it is wide, the machine was busy.',
  ms: 'Milliseconds: the median of all samples.',
  n: 'Number of samples. The table shows their median.',
  'images/s': 'Images that go through the network in a second.',
  row: 'The whole network; or “step:”, one call of a kernel in its training step, timed alone; or a kernel’s variant at a layer, timed by itself. Alone, a call finds its tensors in a cache and overlaps with no other, so the sum of a step’s calls differs from the whole; on a processor that is busy it may be several times as long.',
  Roofline:
    'Each mark is a kernel that was timed: how fast it computes, against the number of operations for each byte that it moves. Kernels at the left wait for memory, and the slope is the most that memory allows. Kernels at the right can at best reach the level line, the peak of arithmetic. Winograd’s kernels may be above it, as they multiply less than they are credited with.',
};

/** The word as text, or as a button that explains it. */
export function termed(word: string): (Node | string)[] {
  const meaning = terms[word];
  if (meaning === undefined) return [word];
  const tip = Object.assign(document.createElement('span'), { className: 'tip', textContent: meaning });
  tip.popover = 'auto';
  const button = Object.assign(document.createElement('button'), {
    type: 'button',
    className: 'term',
    textContent: word,
    popoverTargetElement: tip,
  });
  return [button, tip];
}

/** Explains the marked words of a part of the page. */
export function explainWords(part: HTMLElement): void {
  for (const word of part.querySelectorAll<HTMLElement>('[data-term]'))
    word.replaceChildren(...termed(word.textContent));
}
