/** The network in jax-js on WebGPU: the whole step, Adam included, in one jit. */
import {
  blockUntilReady,
  defaultDevice,
  init,
  jit,
  lax,
  type Array as NdArray,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
} from '@jax-js/jax';
import { SIDE } from '../../run/golden_workload';
import type { Peer } from './peer';
import {
  CLASSES,
  conditionedChannels,
  frequencies,
  type Images,
  type Weight,
  type Workload,
  workloadOf,
} from './workload';

/** By parameter name. */
type Weights = Record<string, NdArray>;

/** A batch: `noisy`, in training `target`, and `levels` and `labels` if the network is conditioned on them. */
type Inputs = Record<string, NdArray>;

/** jax-js has convolutions in NCHW with kernels in OIHW; ours are HWIO. */
function toOihw(kernel: Float32Array, [height, width, fanIn, fanOut]: readonly number[]): Float32Array {
  const out = new Float32Array(kernel.length);
  const taps = height * width;
  for (let tap = 0; tap < taps; tap++)
    for (let i = 0; i < fanIn; i++)
      for (let o = 0; o < fanOut; o++)
        out[(o * fanIn + i) * taps + tap] = kernel[(tap * fanIn + i) * fanOut + o];
  return out;
}

function arrayOf({ name, shape, values }: Weight): NdArray {
  if (shape.length === 4) {
    const [height, width, fanIn, fanOut] = shape;
    return np.array(toOihw(values, shape)).reshape([fanOut, fanIn, height, width]);
  }
  // A convolution's bias is per channel of [count, channels, height, width].
  const isOfConvolution = shape.length === 1 && !name.startsWith('conditioning.');
  return np.array(values).reshape(isOfConvolution ? [...shape, 1, 1] : [...shape]);
}

const createWeights = (workload: Workload): Weights =>
  Object.fromEntries(workload.weights().map((weight) => [weight.name, arrayOf(weight)]));

// In jax-js every use of an array consumes it; `.ref` keeps it for one more use.
const pool = (x: NdArray) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const upsample = (x: NdArray) => np.repeat(np.repeat(x, 2, 2), 2, 3);

/** The bias that noise level and class add to the channels of each convolution but the last, [count, channels, 1, 1]. */
function conditioning(workload: Workload, p: Weights, levels: NdArray, labels: NdArray): NdArray[] {
  const phases = levels.reshape([-1, 1]).mul(np.array(frequencies));
  const phi = np.concatenate([np.sin(phases.ref), np.cos(phases)], 1);
  // The table is small, so a product with a one-hot vector costs nothing.
  const rows = np.matmul(nn.oneHot(labels, CLASSES), p['conditioning.hidden.classes']);
  const hidden = np.matmul(phi, p['conditioning.hidden.kernel']).add(rows).add(p['conditioning.hidden.bias']);
  const added = np
    .matmul(nn.silu(hidden), p['conditioning.output.kernel'])
    .add(p['conditioning.output.bias']);
  const channels = conditionedChannels(workload);
  const ends = channels.map((_, i) => channels.slice(0, i + 1).reduce((a, b) => a + b, 0));
  return np.split(added, ends.slice(0, -1), 1).map((part) => part.reshape([...part.shape, 1, 1]));
}

function jaxNetwork(workload: Workload) {
  return (p: Weights, { noisy, levels, labels }: Inputs): NdArray => {
    const added = levels ? conditioning(workload, p, levels, labels) : [];
    const skips: NdArray[] = [];
    let x = noisy;
    for (const { name, activation, residual, next } of workload.layers) {
      const input = residual ? x.ref : undefined;
      const own = p[`${name}.bias`];
      const more = added.shift();
      x = lax.convGeneralDilated(x, p[`${name}.kernel`], [1, 1], 'SAME').add(more ? own.add(more) : own);
      if (activation === 'swish') x = nn.silu(x);
      if (input) x = x.add(input);
      if (next === 'pool') {
        skips.push(x.ref);
        x = pool(x);
      } else if (next === 'upsample') x = upsample(x).add(skips.pop()!);
    }
    return x;
  };
}

/** Like PyTorch's clip_grad_norm_: scales all gradients by the same factor if their joint norm exceeds `most`. */
function clipped(gradient: Weights, most: number): Weights {
  const squares = tree.leaves<NdArray>(tree.ref(gradient)).map((g) => np.sum(np.square(g)));
  const norm = np.sqrt(squares.reduce((a, b) => a.add(b)));
  const scale = np.minimum(np.reciprocal(norm.add(1e-6)).mul(most), 1);
  const scaled = tree.map((g: NdArray) => g.mul(scale.ref), gradient) as Weights;
  scale.dispose();
  return scaled;
}

function trainStepOf(workload: Workload, network: ReturnType<typeof jaxNetwork>) {
  const { beta1, beta2, epsilon } = workload.adam;
  const lossOf = (p: Weights, { target, ...inputs }: Inputs) =>
    np.mean(np.square(network(p, inputs).sub(target)));
  /** `c1` and `c2` are 1 / (1 - beta^step). */
  return (
    p: Weights,
    m: Weights,
    v: Weights,
    c1: NdArray,
    c2: NdArray,
    rate: NdArray,
    inputs: Inputs,
  ): [NdArray, Weights, Weights, Weights] => {
    const [loss, whole] = valueAndGrad(lossOf)(tree.ref(p), inputs) as [NdArray, Weights];
    const gradient = workload.clipNorm === undefined ? whole : clipped(whole, workload.clipNorm);
    const m1 = tree.map(
      (g: NdArray, old: NdArray) => g.mul(1 - beta1).add(old.mul(beta1)),
      tree.ref(gradient),
      m,
    ) as Weights;
    const v1 = tree.map(
      (g: NdArray, old: NdArray) =>
        g.ref
          .mul(g)
          .mul(1 - beta2)
          .add(old.mul(beta2)),
      gradient,
      v,
    ) as Weights;
    const update = (w: NdArray, a: NdArray, b: NdArray) => {
      const step = a.mul(c1.ref).div(np.sqrt(b.mul(c2.ref)).add(epsilon));
      return w.sub(step.mul(rate.ref));
    };
    const p1 = tree.map(update, p, tree.ref(m1), tree.ref(v1)) as Weights;
    for (const scalar of [c1, c2, rate]) scalar.dispose();
    return [loss, p1, m1, v1];
  };
}

export async function createJax(count: number, workload = workloadOf('tutorial')): Promise<Peer> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu'))
    throw new Error(`jax-js finds no WebGPU here, only ${devices.join(', ')}.`);
  defaultDevice('webgpu');
  let weights = createWeights(workload);
  const zeros = () => tree.map((w: NdArray) => np.zeros(w.shape), weights) as Weights;
  let [moment1, moment2] = [zeros(), zeros()];
  let steps = 0;
  await blockUntilReady(weights);
  const network = jaxNetwork(workload);
  const jitStep = jit(trainStepOf(workload, network));
  const jitNetwork = jit(network);
  const images = (values: Float32Array) => np.array(values).reshape([count, 1, SIDE, SIDE]);
  const inputs = ({ noisy, levels, labels }: Images): Inputs => ({
    noisy: images(noisy),
    ...(levels && labels ? { levels: np.array(levels), labels: np.array(Int32Array.from(labels)) } : {}),
  });
  return {
    async step(batch: Images) {
      const rate = np.array(workload.rate(steps));
      steps++;
      const { beta1, beta2 } = workload.adam;
      const [c1, c2] = [beta1, beta2].map((beta) => np.array(1 / (1 - beta ** steps)));
      let loss: NdArray;
      [loss, weights, moment1, moment2] = jitStep(weights, moment1, moment2, c1, c2, rate, {
        ...inputs(batch),
        target: images(batch.target),
      });
      await blockUntilReady(weights);
      return (await loss.data())[0];
    },
    predict: (batch) => jitNetwork(tree.ref(weights), inputs(batch)).data(),
    async restoreWeights() {
      tree.dispose(weights);
      weights = createWeights(workload);
      await blockUntilReady(weights);
    },
  };
}
