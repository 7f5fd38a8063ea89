/**
 * The Winograd forms F(tile x tile, kernel x kernel): the numbers that determine their shaders and their choice. shaders/README.md lists the
 * other parts of a new form.
 */

interface FormNumbers {
  /** The name of the plain variant; `_subgroups` and `_gpu` follow it in the others' names. */
  readonly name: string;
  /** The file of transforms in shaders/conv2d/winograd, without its ending. */
  readonly file: string;
  /** Outputs per side of a tile. */
  readonly tile: number;
  /** Taps per side of the kernel. */
  readonly kernel: number;
  /** The index of the point 1 among the form's interpolation points. */
  readonly pointOneIndex: number;
  /** The largest share of a smaller tile's products with which this form is faster. */
  readonly worth: number;
}

/** For each size of kernel the smaller tiles first, which are more accurate and, on layers with enough of them, slower. */
export const winogradForms = [
  // 10 times fewer products than the direct convolution, less memory to move, and tiles that fit images of 7, 14, 28 pixels; an error of about 30 times.
  { name: 'winograd7', file: 'f7x5', tile: 7, kernel: 5, pointOneIndex: 5, worth: 1 },
  // 11 times fewer, and tiles that fit images of 8, 16, 32 pixels; an error of about 40 times.
  { name: 'winograd8', file: 'f8x5', tile: 8, kernel: 5, pointOneIndex: 5, worth: 1 },
  // 5.1 times fewer; an error of about 7 times.
  { name: 'winograd6_3x3', file: 'f6x3', tile: 6, kernel: 3, pointOneIndex: 3, worth: 1 },
  // 5.4 times fewer, and tiles that fit images of 7, 14, 28 pixels; an error of about 13 times.
  { name: 'winograd7_3x3', file: 'f7x3', tile: 7, kernel: 3, pointOneIndex: 3, worth: 1 },
  // 5.8 times fewer, and tiles that fit images of 8, 16, 32 pixels; an error of about 27 times. At 24 pixels it takes 0.88 of F(6x6)'s
  // products, and as long.
  { name: 'winograd8_3x3', file: 'f8x3', tile: 8, kernel: 3, pointOneIndex: 3, worth: 0.85 },
] as const satisfies readonly FormNumbers[];

export type Form = (typeof winogradForms)[number];
export type FormFile = Form['file'];
