/** Images and their labels as IDX files, the format in which the page takes all images. Pure. */

const header = (type: number, ...sizes: number[]) => {
  const bytes = new Uint8Array(4 + 4 * sizes.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type);
  sizes.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  return bytes;
};

/** `images`: one byte a pixel, [height][width] each, all of one size. */
export function idxFiles(
  name: string,
  images: readonly Uint8Array<ArrayBuffer>[],
  { height, width }: { readonly height: number; readonly width: number },
  labels?: readonly number[],
): { readonly files: File[]; readonly labels: File[] } {
  return {
    files: [new File([header(0x803, images.length, height, width), ...images], name)],
    labels: labels
      ? [new File([header(0x801, labels.length), Uint8Array.from(labels)], `labels of ${name}`)]
      : [],
  };
}
