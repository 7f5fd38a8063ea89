/**
 * The layers of the classifier. Maps are [image][y][x][channels] of two images, so that each weight that is read serves both. A border of
 * zeros surrounds each map, as wide as the next kernel reaches beyond the edge: then each row of a kernel reads one contiguous run of
 * numbers, and no pixel is a special case.
 */

/**
 * A layer that reads `rows` runs of `rowLength` numbers to compute its outputs at one place. The number of outputs is a multiple of 4.
 */
export interface ClassifierLayer {
  /** [out][rows][rowLength], as f64, so that the inner loop needs no conversions. */
  readonly weights: Float64Array;
  /** [out] */
  readonly bias: Float64Array;
  readonly rows: number;
  readonly rowLength: number;
}

/** The output grid of a convolution whose input map is `stride * size + 2` pixels wide and high, including its border of 1. */
interface Grid {
  /** Width and height in pixels. */
  readonly size: number;
  readonly stride: number;
  readonly channels: number;
  /** Width of the border around the pixels. */
  readonly border: number;
}

/** A 3x3 convolution and relu, from `input` to the inside of `output`; does not write the border. */
export function convolveAndRelu(
  layer: ClassifierLayer,
  input: Float64Array,
  inChannels: number,
  output: Float64Array,
  grid: Grid,
): void {
  const { size, stride, channels, border } = grid;
  const inRow = (stride * size + 2) * inChannels;
  const width = size + 2 * border;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = stride * (y * inRow + x * inChannels);
      const to = ((y + border) * width + x + border) * channels;
      apply(layer, input, from, inRow, output, to);
    }
  }
  relu(output);
}

/**
 * The outputs of a layer at one place, for both images: `output[to + o]` is `bias[o]` plus the sum of weights times inputs.
 *
 * @param from where the layer's first run begins in the first image's half of `input`
 * @param inRow distance from one run to the next
 * @param to where the outputs begin in the first image's half of `output`
 */
export function apply(
  layer: ClassifierLayer,
  input: Float64Array,
  from: number,
  inRow: number,
  output: Float64Array,
  to: number,
): void {
  const { weights, bias, rows, rowLength } = layer;
  const taps = rows * rowLength;
  const secondIn = input.length / 2;
  const secondOut = output.length / 2;
  // Four outputs of two images at a time: eight sums from six numbers read.
  for (let o = 0; o < bias.length; o += 4) {
    let a0 = bias[o];
    let a1 = bias[o + 1];
    let a2 = bias[o + 2];
    let a3 = bias[o + 3];
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let w = o * taps;
    for (let row = 0; row < rows; row++) {
      const at = from + row * inRow;
      for (let i = at; i < at + rowLength; i++, w++) {
        const a = input[i];
        const b = input[i + secondIn];
        const w0 = weights[w];
        const w1 = weights[w + taps];
        const w2 = weights[w + 2 * taps];
        const w3 = weights[w + 3 * taps];
        a0 += a * w0;
        a1 += a * w1;
        a2 += a * w2;
        a3 += a * w3;
        b0 += b * w0;
        b1 += b * w1;
        b2 += b * w2;
        b3 += b * w3;
      }
    }
    const first = to + o;
    output[first] = a0;
    output[first + 1] = a1;
    output[first + 2] = a2;
    output[first + 3] = a3;
    const second = first + secondOut;
    output[second] = b0;
    output[second + 1] = b1;
    output[second + 2] = b2;
    output[second + 3] = b3;
  }
}

/** Sets negative values to 0, in the maps of both images. */
export function relu(map: Float64Array): void {
  for (let i = 0; i < map.length; i++) if (map[i] < 0) map[i] = 0;
}
