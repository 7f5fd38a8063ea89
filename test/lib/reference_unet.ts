/**
 * The whole training step in f64 by plain loops, written from the definition of the network and not from the kernels: a second
 * opinion on how they are put together. Tensors are [count][height][width][channels].
 */
import { listParameters, type UNetConfig } from '../../src/unet/config';

/** The noise level and class of each image, for a conditioned network. */
export interface ReferenceTold {
  readonly levels?: ArrayLike<number>;
  readonly labels?: ArrayLike<number>;
}

/** How a step updates the weights: AdamW, on a gradient that is shortened to `clipNorm`. */
export interface ReferenceSettings {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  readonly clipNorm?: number;
}

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

/** The maps of a layer. */
export interface ReferenceMaps {
  readonly input: Float64Array;
  readonly preActivation: Float64Array;
  readonly activation: Float64Array;
  gradient?: Float64Array;
}

/** A bias for each channel and image, [count][all]; a convolution's channels start at `first`. */
interface ImageBias {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
  readonly all: number;
  readonly first: number;
}

/** A row of a table of the conditioning's first linear layer, and how many times it is taken. */
interface Term {
  readonly table: { readonly values: Float64Array; readonly gradient: Float64Array };
  readonly row: number;
  readonly times: number;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** The slope of z * sigmoid(z). */
const swishSlope = (z: number) => sigmoid(z) * (1 + z * (1 - sigmoid(z)));

export class ReferenceUNet {
  readonly parameters = new Map<string, Float64Array>();
  readonly gradients = new Map<string, Float64Array>();
  readonly moments = new Map<string, { m: Float64Array; v: Float64Array }>();
  /** What each layer made of the images of the last pass, and dL/d(pre-activation) after a step: [count][height][width][channels]. */
  readonly maps = new Map<string, ReferenceMaps>();
  /** The length of all gradients of the last step together, before they were shortened. */
  norm = 0;
  private readonly config: UNetConfig;
  private readonly settings: ReferenceSettings;
  private step = 0;

  constructor(
    config: UNetConfig,
    parameters: ReadonlyMap<string, Float32Array>,
    settings: ReferenceSettings = {},
  ) {
    this.config = config;
    this.settings = settings;
    for (const { name, size } of listParameters(config).parameters) {
      this.parameters.set(name, Float64Array.from(parameters.get(name)!));
      this.gradients.set(name, new Float64Array(size));
      this.moments.set(name, { m: new Float64Array(size), v: new Float64Array(size) });
    }
  }

  predict(images: ArrayLike<number>, count: number, told: ReferenceTold = {}): Float64Array {
    return this.forward(images, count, told).output.data;
  }

  /** Mean squared error of the prediction, and its gradient for every parameter in `gradients`. */
  loss(noisy: ArrayLike<number>, target: ArrayLike<number>, count: number, told: ReferenceTold = {}): number {
    const { output, backward } = this.forward(noisy, count, told);
    const size = output.data.length;
    let loss = 0;
    const grad = output.data.map((value, i) => {
      loss += (value - target[i]) ** 2 / size;
      return (2 * (value - target[i])) / size;
    });
    for (const g of this.gradients.values()) g.fill(0);
    backward({ ...output, data: grad });
    return loss;
  }

  /** The sum of absolute errors: its gradient for every parameter in `gradients`, and for the output, which is signs. */
  absolute(noisy: ArrayLike<number>, target: ArrayLike<number>, count: number, told: ReferenceTold = {}) {
    const { output, backward } = this.forward(noisy, count, told);
    const signs = output.data.map((value, i) => Math.sign(value - target[i]));
    for (const g of this.gradients.values()) g.fill(0);
    backward({ ...output, data: signs });
    return { signs };
  }

  /** One step of AdamW on the gradients of `loss`, which it returns. */
  train(
    noisy: ArrayLike<number>,
    target: ArrayLike<number>,
    count: number,
    learningRate = 1e-3,
    told: ReferenceTold = {},
  ): number {
    const {
      beta1 = 0.9,
      beta2 = 0.999,
      epsilon = 1e-7,
      weightDecay = 0,
      clipNorm = Infinity,
    } = this.settings;
    const loss = this.loss(noisy, target, count, told);
    this.step++;
    let squares = 0;
    for (const gradient of this.gradients.values()) for (const g of gradient) squares += g ** 2;
    this.norm = Math.sqrt(squares);
    const scale = Math.min(1, clipNorm / this.norm);
    for (const [name, weights] of this.parameters) {
      const { m, v } = this.moments.get(name)!;
      const gradient = this.gradients.get(name)!;
      for (let i = 0; i < weights.length; i++) {
        const g = gradient[i] * scale;
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g ** 2;
        const mHat = m[i] / (1 - beta1 ** this.step);
        const vHat = v[i] / (1 - beta2 ** this.step);
        weights[i] -= learningRate * (mHat / (Math.sqrt(vHat) + epsilon) + weightDecay * weights[i]);
      }
    }
    return loss;
  }

  private forward(
    images: ArrayLike<number>,
    count: number,
    told: ReferenceTold,
  ): { output: Image; backward: (grad: Image) => void } {
    const {
      height,
      width,
      channels,
      widths,
      finalActivation,
      convolutionsPerLevel = 1,
      residual,
    } = this.config;
    const levels = widths.length;
    const countOf = (level: number) =>
      typeof convolutionsPerLevel === 'number' ? convolutionsPerLevel : convolutionsPerLevel[level];
    const conditioned = this.condition(count, told);
    /** Channels that have had their biases for each image. */
    let first = 0;
    const conv = (x: Image, name: string, swish: boolean, last = false) => {
      const bias = last || !conditioned ? undefined : { ...conditioned, first };
      first += this.parameters.get(`${name}.bias`)!.length;
      return this.conv(x, name, count, swish, bias);
    };
    const undo: ((grad: Image) => Image)[] = [];
    const skips: Image[] = [];
    const skipGrads: Image[] = [];
    let x: Image = { height, width, channels, data: Float64Array.from(images) };
    const apply = (result: { y: Image; back: (grad: Image) => Image }) => {
      x = result.y;
      undo.push(result.back);
    };
    /** The convolutions of a level; the last one of the whole network is `output`. */
    const level = (name: string, count: number, output: boolean) => {
      for (let j = 0; j < count; j++) {
        const last = output && j === count - 1;
        const before = x;
        const result = conv(
          x,
          count === 1 ? name : `${name}.${j}`,
          !last || finalActivation === 'swish',
          last,
        );
        if (!residual || j === 0 || last) {
          apply(result);
          continue;
        }
        const y = plus(before, result.y);
        const maps = this.maps.get(`${name}.${j}`)!;
        this.maps.set(`${name}.${j}`, { ...maps, activation: y.data });
        apply({
          y,
          back: (grad) => plus(grad, result.back(grad)),
        });
      }
    };
    for (let i = 0; i < levels; i++) {
      level(`down.${i}`, countOf(i), false);
      if (i === levels - 1) continue;
      skips.push(x);
      // On the way back, the skip connection's gradient joins here.
      undo.push((grad) => plus(grad, skipGrads[i]));
      apply(maxPool(x, count));
    }
    for (let i = levels - 1; i >= 0; i--) {
      level(`up.${levels - 1 - i}`, countOf(i), i === 0);
      if (i === 0) continue;
      apply(upsample(x, count));
      x = plus(x, skips[i - 1]);
      undo.push((grad) => {
        skipGrads[i - 1] = grad;
        return grad;
      });
    }
    const backward = (grad: Image) => {
      for (const back of undo.reverse()) grad = back(grad);
      conditioned?.backward();
    };
    return { output: x, backward };
  }

  /** From noise levels and classes to a bias for each channel and image; undefined for a network that takes neither. */
  private condition(count: number, { levels, labels }: ReferenceTold) {
    if (!this.config.conditioning) return undefined;
    const { noiseLevel, classes } = this.config.conditioning;
    if (noiseLevel !== (levels?.length === count) || classes > 0 !== (labels?.length === count)) {
      throw new Error('the reference is not told what its network needs');
    }
    const of = (name: string) => ({
      values: this.parameters.get(`conditioning.${name}`)!,
      gradient: this.gradients.get(`conditioning.${name}`)!,
    });
    const [hiddenBias, outputKernel, outputBias] = ['hidden.bias', 'output.kernel', 'output.bias'].map(of);
    const width = hiddenBias.values.length;
    const all = outputBias.values.length;
    const terms = Array.from({ length: count }, (_, n): Term[] => {
      const list: Term[] = [{ table: hiddenBias, row: 0, times: 1 }];
      if (noiseLevel) {
        for (let k = 0; k < 16; k++) {
          const phase = 100 ** (k / 15) * levels![n];
          list.push({ table: of('hidden.kernel'), row: k, times: Math.sin(phase) });
          list.push({ table: of('hidden.kernel'), row: 16 + k, times: Math.cos(phase) });
        }
      }
      if (classes > 0) list.push({ table: of('hidden.classes'), row: labels![n], times: 1 });
      return list;
    });
    // A row of the kernel each for sines and cosines, then one for each class and for no class.
    const kernelRows = noiseLevel ? 32 : 0;
    const rows = kernelRows + (classes > 0 ? classes + 1 : 0);
    const features = new Float64Array(count * rows);
    for (const [n, list] of terms.entries()) {
      for (const { table, row, times } of list) {
        if (table === hiddenBias) continue;
        const first = table.values === of('hidden.classes').values ? kernelRows : 0;
        features[n * rows + first + row] = times;
      }
    }
    const hidden = new Float64Array(count * width);
    const hiddenGrad = new Float64Array(count * width);
    const values = new Float64Array(count * all);
    const gradient = new Float64Array(count * all);
    for (let n = 0; n < count; n++) {
      for (let h = 0; h < width; h++) {
        for (const { table, row, times } of terms[n])
          hidden[n * width + h] += times * table.values[row * width + h];
        const z = hidden[n * width + h];
        for (let o = 0; o < all; o++)
          values[n * all + o] += z * sigmoid(z) * outputKernel.values[h * all + o];
      }
      for (let o = 0; o < all; o++) values[n * all + o] += outputBias.values[o];
    }
    const activated = hidden.map((z) => z * sigmoid(z));
    this.maps.set('conditioning.hidden', { input: features, preActivation: hidden, activation: activated });
    this.maps.set('conditioning.output', { input: activated, preActivation: values, activation: values });
    const backward = () => {
      this.maps.get('conditioning.hidden')!.gradient = hiddenGrad;
      this.maps.get('conditioning.output')!.gradient = gradient;
      for (let n = 0; n < count; n++) {
        const g = gradient.subarray(n * all, (n + 1) * all);
        for (let o = 0; o < all; o++) outputBias.gradient[o] += g[o];
        for (let h = 0; h < width; h++) {
          const z = hidden[n * width + h];
          let grad = 0;
          for (let o = 0; o < all; o++) {
            outputKernel.gradient[h * all + o] += z * sigmoid(z) * g[o];
            grad += outputKernel.values[h * all + o] * g[o];
          }
          hiddenGrad[n * width + h] = grad * swishSlope(z);
          for (const { table, row, times } of terms[n])
            table.gradient[row * width + h] += grad * swishSlope(z) * times;
        }
      }
    };
    return { values, gradient, all, backward };
  }

  private conv(x: Image, name: string, count: number, swish: boolean, own?: ImageBias) {
    const { height, width, channels: cin } = x;
    const k = this.config.kernelSize;
    const r = (k - 1) / 2;
    const kernel = this.parameters.get(`${name}.kernel`)!;
    const bias = this.parameters.get(`${name}.bias`)!;
    const cout = bias.length;
    const z = new Float64Array(count * height * width * cout);
    const each = (visit: (to: number, from: number, tap: number) => void) => {
      for (let n = 0; n < count; n++) {
        for (let y = 0; y < height; y++) {
          for (let xx = 0; xx < width; xx++) {
            for (let ky = Math.max(0, r - y); ky < Math.min(k, height + r - y); ky++) {
              for (let kx = Math.max(0, r - xx); kx < Math.min(k, width + r - xx); kx++) {
                const to = (n * height + y) * width + xx;
                const from = (n * height + y + ky - r) * width + xx + kx - r;
                visit(to * cout, from * cin, (ky * k + kx) * cin * cout);
              }
            }
          }
        }
      }
    };
    /** Which of the biases for each image element i of z has. */
    const ownAt = (i: number) => Math.floor(i / (height * width * cout)) * own!.all + own!.first + (i % cout);
    for (let i = 0; i < z.length; i++) z[i] = bias[i % cout] + (own ? own.values[ownAt(i)] : 0);
    each((to, from, tap) => {
      for (let c = 0; c < cin; c++) {
        for (let o = 0; o < cout; o++) z[to + o] += x.data[from + c] * kernel[tap + c * cout + o];
      }
    });
    const data = swish ? z.map((v) => v * sigmoid(v)) : z;
    this.maps.set(name, { input: x.data, preActivation: z, activation: data });
    const back = (grad: Image): Image => {
      const dz = swish ? grad.data.map((g, i) => g * swishSlope(z[i])) : grad.data;
      this.maps.get(name)!.gradient = dz;
      const dKernel = this.gradients.get(`${name}.kernel`)!;
      const dBias = this.gradients.get(`${name}.bias`)!;
      const dx = new Float64Array(x.data.length);
      for (let i = 0; i < dz.length; i++) {
        dBias[i % cout] += dz[i];
        if (own) own.gradient[ownAt(i)] += dz[i];
      }
      each((to, from, tap) => {
        for (let c = 0; c < cin; c++) {
          for (let o = 0; o < cout; o++) {
            dKernel[tap + c * cout + o] += x.data[from + c] * dz[to + o];
            dx[from + c] += kernel[tap + c * cout + o] * dz[to + o];
          }
        }
      });
      return { ...x, data: dx };
    };
    return { y: { height, width, channels: cout, data }, back };
  }
}

const plus = (a: Image, b: Image): Image => ({ ...a, data: a.data.map((v, i) => v + b.data[i]) });

function maxPool(x: Image, count: number) {
  const { width, channels } = x;
  const h = x.height / 2;
  const w = width / 2;
  const data = new Float64Array(count * h * w * channels);
  const chosen = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const px = Math.floor(i / channels) % w;
    const row = Math.floor(i / channels / w); // over images and rows
    const corner = (row * 2 * width + px * 2) * channels + c;
    // Among equal maxima the first in row-major order is chosen.
    let best = corner;
    for (const at of [corner + channels, corner + width * channels, corner + (width + 1) * channels]) {
      if (x.data[at] > x.data[best]) best = at;
    }
    chosen[i] = best;
    data[i] = x.data[best];
  }
  const back = (grad: Image): Image => {
    const dx = new Float64Array(x.data.length);
    for (let i = 0; i < chosen.length; i++) dx[chosen[i]] += grad.data[i];
    return { ...x, data: dx };
  };
  return { y: { height: h, width: w, channels, data }, back };
}

function upsample(x: Image, count: number) {
  const { width, channels } = x;
  const h = x.height * 2;
  const w = width * 2;
  const data = new Float64Array(count * h * w * channels);
  const source = (i: number) => {
    const c = i % channels;
    const px = Math.floor(i / channels) % w;
    const row = Math.floor(i / channels / w);
    return ((row >> 1) * width + (px >> 1)) * channels + c;
  };
  for (let i = 0; i < data.length; i++) data[i] = x.data[source(i)];
  const back = (grad: Image): Image => {
    const dx = new Float64Array(x.data.length);
    for (let i = 0; i < grad.data.length; i++) dx[source(i)] += grad.data[i];
    return { ...x, data: dx };
  };
  return { y: { height: h, width: w, channels, data }, back };
}
