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
import { initialWeights, KERNEL, LAYERS, SIDE } from '../../test/golden/workload';
import { adam, type Images, type Peer } from './peer';

/** w0, b0, w1, … */
type Weights = Record<string, NdArray>;

/** jax-js has convolutions in NCHW with kernels in OIHW; ours are HWIO. */
function toOihw(kernel: Float32Array, fanIn: number, fanOut: number): Float32Array {
  const out = new Float32Array(kernel.length);
  const taps = KERNEL * KERNEL;
  for (let tap = 0; tap < taps; tap++)
    for (let i = 0; i < fanIn; i++)
      for (let o = 0; o < fanOut; o++)
        out[(o * fanIn + i) * taps + tap] = kernel[(tap * fanIn + i) * fanOut + o];
  return out;
}

function createWeights(): Weights {
  const values = initialWeights();
  const weights: Weights = {};
  for (const [i, [name, fanIn, fanOut]] of LAYERS.entries()) {
    const kernel = toOihw(values.get(`${name}.kernel`)!, fanIn, fanOut);
    weights[`w${i}`] = np.array(kernel).reshape([fanOut, fanIn, KERNEL, KERNEL]);
    weights[`b${i}`] = np.array(values.get(`${name}.bias`)!).reshape([fanOut, 1, 1]);
  }
  return weights;
}

// Every use of an array takes it over; `.ref` keeps it for one more.
const conv = (x: NdArray, w: NdArray, b: NdArray) =>
  nn.silu(lax.convGeneralDilated(x, w, [1, 1], 'SAME').add(b));
const pool = (x: NdArray) => lax.reduceWindow(x, np.max, [2, 2], [2, 2]);
const upsample = (x: NdArray) => np.repeat(np.repeat(x, 2, 2), 2, 3);

function network(p: Weights, x: NdArray): NdArray {
  const skip0 = conv(x, p.w0, p.b0);
  const skip1 = conv(pool(skip0.ref), p.w1, p.b1);
  let h = conv(pool(skip1.ref), p.w2, p.b2);
  h = conv(h, p.w3, p.b3);
  h = conv(upsample(h).add(skip1), p.w4, p.b4);
  return conv(upsample(h).add(skip0), p.w5, p.b5);
}

const lossOf = (p: Weights, noisy: NdArray, clean: NdArray) =>
  np.mean(np.square(network(p, noisy).sub(clean)));

/** `c1` and `c2` are 1 / (1 - beta^step). */
function trainStep(
  p: Weights,
  m: Weights,
  v: Weights,
  c1: NdArray,
  c2: NdArray,
  noisy: NdArray,
  clean: NdArray,
) {
  const [loss, gradient] = valueAndGrad(lossOf)(tree.ref(p), noisy, clean);
  const { rate, beta1, beta2, epsilon } = adam;
  const m1 = tree.map(
    (g: NdArray, old: NdArray) => g.mul(1 - beta1).add(old.mul(beta1)),
    tree.ref(gradient) as Weights,
    m,
  );
  const v1 = tree.map(
    (g: NdArray, old: NdArray) =>
      g.ref
        .mul(g)
        .mul(1 - beta2)
        .add(old.mul(beta2)),
    gradient as Weights,
    v,
  );
  const update = (w: NdArray, a: NdArray, b: NdArray) => {
    const step = a.mul(c1.ref).div(np.sqrt(b.mul(c2.ref)).add(epsilon));
    return w.sub(step.mul(rate));
  };
  const p1 = tree.map(update, p, tree.ref(m1), tree.ref(v1));
  c1.dispose();
  c2.dispose();
  return [loss, p1, m1, v1] as [NdArray, Weights, Weights, Weights];
}

export async function createJax(count: number): Promise<Peer> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu'))
    throw new Error(`jax-js finds no WebGPU here, only ${devices.join(', ')}.`);
  defaultDevice('webgpu');
  let weights = createWeights();
  const zeros = () => tree.map((w: NdArray) => np.zeros(w.shape), weights) as Weights;
  let [moment1, moment2] = [zeros(), zeros()];
  let steps = 0;
  await blockUntilReady(weights);
  const jitStep = jit(trainStep);
  const jitNetwork = jit(network);
  const images = (values: Float32Array) => np.array(values).reshape([count, 1, SIDE, SIDE]);
  return {
    async step({ noisy, clean }: Images) {
      steps++;
      const [c1, c2] = [adam.beta1, adam.beta2].map((beta) => np.array(1 / (1 - beta ** steps)));
      let loss: NdArray;
      [loss, weights, moment1, moment2] = jitStep(
        weights,
        moment1,
        moment2,
        c1,
        c2,
        images(noisy),
        images(clean),
      );
      await blockUntilReady(weights);
      return (await loss.data())[0];
    },
    predict: (noisy) => jitNetwork(tree.ref(weights), images(noisy)).data(),
    async restoreWeights() {
      tree.dispose(weights);
      weights = createWeights();
      await blockUntilReady(weights);
    },
  };
}
