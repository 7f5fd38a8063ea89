/**
 * The whole training step in f64 by plain loops, written from the definition of the network and not from the kernels: a second
 * opinion on how they are put together. Tensors are [count][height][width][channels].
 */
import { layersOf, parametersOf, type UNetConfig } from '../../src/unet/config';

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

export class ReferenceUNet {
  readonly parameters = new Map<string, Float64Array>();
  readonly gradients = new Map<string, Float64Array>();
  private readonly moments = new Map<string, { m: Float64Array; v: Float64Array }>();
  private readonly config: UNetConfig;
  private step = 0;

  constructor(config: UNetConfig, parameters: ReadonlyMap<string, Float32Array>) {
    this.config = config;
    for (const { name, size } of parametersOf(layersOf(config)).parameters) {
      this.parameters.set(name, Float64Array.from(parameters.get(name)!));
      this.gradients.set(name, new Float64Array(size));
      this.moments.set(name, { m: new Float64Array(size), v: new Float64Array(size) });
    }
  }

  predict(images: ArrayLike<number>, count: number): Float64Array {
    return this.forward(images, count).output.data;
  }

  /** Mean squared error of the prediction, and its gradient for every parameter in `gradients`. */
  loss(noisy: ArrayLike<number>, clean: ArrayLike<number>, count: number): number {
    const { output, backward } = this.forward(noisy, count);
    const size = output.data.length;
    let loss = 0;
    const grad = output.data.map((value, i) => {
      loss += (value - clean[i]) ** 2 / size;
      return (2 * (value - clean[i])) / size;
    });
    for (const g of this.gradients.values()) g.fill(0);
    backward({ ...output, data: grad });
    return loss;
  }

  /** One step of Adam on the gradients of `loss`, which it returns. */
  train(noisy: ArrayLike<number>, clean: ArrayLike<number>, count: number, learningRate = 1e-3): number {
    const loss = this.loss(noisy, clean, count);
    this.step++;
    for (const [name, weights] of this.parameters) {
      const { m, v } = this.moments.get(name)!;
      const gradient = this.gradients.get(name)!;
      for (let i = 0; i < weights.length; i++) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] ** 2;
        const mHat = m[i] / (1 - 0.9 ** this.step);
        const vHat = v[i] / (1 - 0.999 ** this.step);
        weights[i] -= (learningRate * mHat) / (Math.sqrt(vHat) + 1e-7);
      }
    }
    return loss;
  }

  private forward(
    images: ArrayLike<number>,
    count: number,
  ): { output: Image; backward: (grad: Image) => void } {
    const { height, width, channels, widths, finalActivation } = this.config;
    const undo: ((grad: Image) => Image)[] = [];
    const skips: Image[] = [];
    const skipGrads: Image[] = [];
    let x: Image = { height, width, channels, data: Float64Array.from(images) };
    const apply = (result: { y: Image; back: (grad: Image) => Image }) => {
      x = result.y;
      undo.push(result.back);
    };
    const levels = widths.length;
    for (let i = 0; i < levels; i++) {
      apply(this.conv(x, `down.${i}`, count, true));
      if (i === levels - 1) continue;
      skips.push(x);
      // On the way back, the skip connection's gradient joins here.
      undo.push((grad) => ({ ...grad, data: grad.data.map((g, k) => g + skipGrads[i].data[k]) }));
      apply(maxPool(x, count));
    }
    for (let i = 0; i < levels; i++) {
      const last = i === levels - 1;
      apply(this.conv(x, `up.${i}`, count, !last || finalActivation === 'swish'));
      if (last) continue;
      const level = levels - 2 - i;
      apply(upsample(x, count));
      const skip = skips[level];
      x = { ...x, data: x.data.map((value, k) => value + skip.data[k]) };
      undo.push((grad) => {
        skipGrads[level] = grad;
        return grad;
      });
    }
    const backward = (grad: Image) => {
      for (const back of undo.reverse()) grad = back(grad);
    };
    return { output: x, backward };
  }

  private conv(x: Image, name: string, count: number, swish: boolean) {
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
    for (let i = 0; i < z.length; i++) z[i] = bias[i % cout];
    each((to, from, tap) => {
      for (let c = 0; c < cin; c++) {
        for (let o = 0; o < cout; o++) z[to + o] += x.data[from + c] * kernel[tap + c * cout + o];
      }
    });
    const data = swish ? z.map((v) => v * sigmoid(v)) : z;
    const back = (grad: Image): Image => {
      const dz = grad.data.map((g, i) => {
        if (!swish) return g;
        const s = sigmoid(z[i]);
        return g * s * (1 + z[i] * (1 - s));
      });
      const dKernel = this.gradients.get(`${name}.kernel`)!;
      const dBias = this.gradients.get(`${name}.bias`)!;
      const dx = new Float64Array(x.data.length);
      for (let i = 0; i < dz.length; i++) dBias[i % cout] += dz[i];
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

function maxPool(x: Image, count: number) {
  const { width, channels } = x;
  const [h, w] = [x.height / 2, width / 2];
  const data = new Float64Array(count * h * w * channels);
  const chosen = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const c = i % channels;
    const px = Math.floor(i / channels) % w;
    const row = Math.floor(i / channels / w); // over images and rows
    const corner = (row * 2 * width + px * 2) * channels + c;
    // Of equal maxima the first in row-major order.
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
  const [h, w] = [x.height * 2, width * 2];
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
