import { dataError } from '../../src/base/errors';
import { fnv1a } from '../../src/base/hash';
import { loaded } from '../../src/base/load';
import type { LoadOptions } from '../../src/data/idx';
import { readSource } from '../../src/data/source';
import { decodeSafetensors, type Safetensors } from '../../src/weights/safetensors';
import file from './digit-classifier.safetensors?bytes';
import { apply, type ClassifierLayer, convolveAndRelu, relu } from './network';

/** Height and width of an image. */
export const side = 28;
export const pixels = side * side;
export const classCount = 10;

/** The hash of the file, as harness/studies/train_classifier.py printed it. */
const fileHash = 'e119421b';

/** The convolutions, all 3x3 and with relu: size (height and width) and channels of their outputs. */
const convolutions = [
  { name: 'conv1', size: 28, stride: 1, channels: 16, border: 1 },
  { name: 'conv2', size: 14, stride: 2, channels: 16, border: 1 },
  { name: 'conv3', size: 14, stride: 1, channels: 32, border: 1 },
  { name: 'conv4', size: 7, stride: 2, channels: 32, border: 0 },
];

/** Results for `count` images. */
export interface Classified {
  /** [count][10]: the probability of each digit. */
  probabilities: Float32Array<ArrayBuffer>;
  /** [count][features], 0 or more: activations of the last hidden layer. */
  features: Float32Array<ArrayBuffer>;
}

/** A small network that recognizes handwritten digits; runs on the processor, without WebGPU. */
export interface Classifier {
  /** Number of features per image: 64. */
  readonly features: number;
  /** Mean and covariance, [64] and [64][64], of the features of the 9,000 digits it was trained on, binarised at 0.5. */
  readonly trained: { readonly mean: Float64Array; readonly covariance: Float64Array };
  /**
   * Blocks for about a millisecond per image.
   *
   * @param images [count][28][28], strokes 1 on background 0
   */
  classify(images: Float32Array, count: number): Classified;
}

/**
 * Loads the classifier, about 250 KB.
 *
 * @throws EngineError `data` if the file cannot be read or is not the right one; the signal's reason
 * if aborted
 */
export async function loadClassifier({ signal }: LoadOptions = {}): Promise<Classifier> {
  signal?.throwIfAborted();
  const name = 'digit-classifier.safetensors';
  const bytes = await readSource(await loaded(file()), name, signal);
  // The file of another version would give other results without an error.
  const hash = fnv1a(bytes);
  if (hash !== fileHash) {
    throw dataError(
      `${name} is not the classifier that this version was built with: its fnv1a is ${hash}, expected ${fileHash}. ` +
        "Reload without the browser's cache, or install the package again.",
    );
  }
  return classifierOf(decodeSafetensors(bytes, name).tensors);
}

function classifierOf(tensors: Safetensors['tensors']): Classifier {
  const values = (tensor: string) => Float64Array.from(tensors.get(tensor)!.data);
  const layer = (layerName: string, rows: number): ClassifierLayer => {
    const weights = values(`${layerName}.kernel`);
    const bias = values(`${layerName}.bias`);
    const taps = weights.length / bias.length;
    const outputs = Math.ceil(bias.length / 4) * 4;
    return {
      weights: padded(weights, outputs * taps),
      bias: padded(bias, outputs),
      rows,
      rowLength: taps / rows,
    };
  };
  const pair = new Pair(
    convolutions.map((grid) => ({ grid, layer: layer(grid.name, 3) })),
    layer('hidden', 1),
    layer('output', 1),
  );
  const { features } = pair;

  function classify(images: Float32Array, count: number): Classified {
    const result: Classified = {
      probabilities: new Float32Array(count * classCount),
      features: new Float32Array(count * features),
    };
    for (let n = 0; n < count; n += 2) {
      // If the number of images is odd, the last one runs beside the image that the pair still holds.
      const here = Math.min(2, count - n);
      pair.run(images.subarray(n * pixels, (n + here) * pixels));
      result.features.set(pair.seen.subarray(0, here * features), n * features);
      for (let i = 0; i < here; i++) result.probabilities.set(pair.probabilities(i), (n + i) * classCount);
    }
    return result;
  }
  const trained = { mean: values('digits.mean'), covariance: values('digits.covariance') };
  return { features, trained, classify };
}

/** Runs the network on two images at a time, in memory that it reuses for the next two. */
class Pair {
  readonly features: number;
  /** Features of both images. */
  readonly seen: Float64Array;
  private readonly convs: readonly {
    readonly grid: (typeof convolutions)[number];
    readonly layer: ClassifierLayer;
  }[];
  private readonly hidden: ClassifierLayer;
  private readonly output: ClassifierLayer;
  private readonly input = new Float64Array(2 * (side + 2) ** 2);
  /** Output of each convolution. */
  private readonly maps: readonly Float64Array[];
  private readonly logits: Float64Array;

  constructor(convs: Pair['convs'], hidden: ClassifierLayer, output: ClassifierLayer) {
    this.convs = convs;
    this.hidden = hidden;
    this.output = output;
    this.features = hidden.bias.length;
    this.maps = convs.map(
      ({ grid }) => new Float64Array(2 * (grid.size + 2 * grid.border) ** 2 * grid.channels),
    );
    this.seen = new Float64Array(2 * this.features);
    this.logits = new Float64Array(2 * output.bias.length);
  }

  /** `images`: one image or two. */
  run(images: Float32Array): void {
    for (let row = 0; row < images.length / side; row++) {
      const i = Math.floor(row / side);
      const y = row % side;
      const values = images.subarray(row * side, (row + 1) * side);
      this.input.set(values, (i * (side + 2) + y + 1) * (side + 2) + 1);
    }
    let from: Float64Array = this.input;
    let channels = 1;
    for (const [i, { layer, grid }] of this.convs.entries()) {
      convolveAndRelu(layer, from, channels, this.maps[i], grid);
      from = this.maps[i];
      channels = grid.channels;
    }
    apply(this.hidden, from, 0, 0, this.seen, 0);
    relu(this.seen);
    apply(this.output, this.seen, 0, 0, this.logits, 0);
  }

  /** Probabilities of the classes of image `i`. */
  probabilities(i: number): Float64Array {
    const at = i * this.output.bias.length;
    return softmax(this.logits.subarray(at, at + classCount));
  }
}

/** `values`, padded with zeros to `length`. */
function padded(values: Float64Array, length: number): Float64Array {
  const result = new Float64Array(length);
  result.set(values);
  return result;
}

function softmax(logits: Float64Array): Float64Array {
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
