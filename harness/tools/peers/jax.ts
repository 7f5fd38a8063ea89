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
import { GOLDEN_SIDE } from '../../run/golden_workload';
import {
  CLASS_ROWS,
  conditionedChannels,
  frequencies,
  type Peer,
  type PeerBatch,
  type Weight,
  type Workload,
} from './workload';

/** By parameter name. */
type Weights = Record<string, NdArray>;

const map = tree.map as (of: (...arrays: NdArray[]) => NdArray, ...trees: Weights[]) => Weights;

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
  const rows = np.matmul(nn.oneHot(labels, CLASS_ROWS), p['conditioning.hidden.classes']);
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
    for (const { name, activation, next } of workload.layers) {
      const own = p[`${name}.bias`];
      const more = added.shift();
      x = lax.convGeneralDilated(x, p[`${name}.kernel`], [1, 1], 'SAME').add(more ? own.add(more) : own);
      if (activation === 'swish') x = nn.silu(x);
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
  const scaled = map((g) => g.mul(scale.ref), gradient);
  scale.dispose();
  return scaled;
}

/** Weights and Adam's moments. */
type Trained = { p: Weights; m: Weights; v: Weights };

function trainStepOf(workload: Workload, network: ReturnType<typeof jaxNetwork>) {
  const { beta1, beta2, epsilon } = workload.adam;
  const lossOf = (p: Weights, { target, ...inputs }: Inputs) =>
    np.mean(np.square(network(p, inputs).sub(target)));
  /** `c1` and `c2` are 1 / (1 - beta^step). */
  return ({ p, m, v }: Trained, { c1, c2, rate }: Inputs, inputs: Inputs): [NdArray, Trained] => {
    const [loss, whole] = valueAndGrad(lossOf)(tree.ref(p), inputs) as [NdArray, Weights];
    const gradient = workload.clipNorm === undefined ? whole : clipped(whole, workload.clipNorm);
    const m1 = map((g, old) => g.mul(1 - beta1).add(old.mul(beta1)), tree.ref(gradient), m);
    const square = (g: NdArray) => g.ref.mul(g);
    const v1 = map(
      (g, old) =>
        square(g)
          .mul(1 - beta2)
          .add(old.mul(beta2)),
      gradient,
      v,
    );
    const update = (w: NdArray, a: NdArray, b: NdArray) => {
      const step = a.mul(c1.ref).div(np.sqrt(b.mul(c2.ref)).add(epsilon));
      return w.sub(step.mul(rate.ref));
    };
    const p1 = map(update, p, tree.ref(m1), tree.ref(v1));
    for (const scalar of [c1, c2, rate]) scalar.dispose();
    return [loss, { p: p1, m: m1, v: v1 }];
  };
}

export async function createJax(count: number, workload: Workload): Promise<Peer> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu'))
    throw new Error(`jax-js finds no WebGPU here, only ${devices.join(', ')}.`);
  defaultDevice('webgpu');
  const zeros = (weights: Weights) => map((w) => np.zeros(w.shape), weights);
  const weights = createWeights(workload);
  let trained: Trained = { p: weights, m: zeros(weights), v: zeros(weights) };
  let steps = 0;
  await blockUntilReady(weights);
  const network = jaxNetwork(workload);
  const jitStep = jit(trainStepOf(workload, network));
  const jitNetwork = jit(network);
  const images = (values: Float32Array) => np.array(values).reshape([count, 1, GOLDEN_SIDE, GOLDEN_SIDE]);
  const inputs = ({ noisy, levels, labels }: PeerBatch): Inputs => ({
    noisy: images(noisy),
    ...(levels && labels ? { levels: np.array(levels), labels: np.array(Int32Array.from(labels)) } : {}),
  });
  return {
    async step(batch) {
      const rate = np.array(workload.rate(steps));
      steps++;
      const { beta1, beta2 } = workload.adam;
      const [c1, c2] = [beta1, beta2].map((beta) => np.array(1 / (1 - beta ** steps)));
      const given = { ...inputs(batch), target: images(batch.target) };
      let loss: NdArray;
      [loss, trained] = jitStep(trained, { c1, c2, rate }, given);
      await blockUntilReady(trained.p);
      return (await loss.data())[0];
    },
    predict: (batch) => jitNetwork(tree.ref(trained.p), inputs(batch)).data(),
    async restoreWeights() {
      tree.dispose(trained.p);
      trained.p = createWeights(workload);
      await blockUntilReady(trained.p);
    },
  };
}
