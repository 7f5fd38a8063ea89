// The network in TensorFlow.js, in core operations: fused convolution and bias, as tf.layers itself emits them, x * sigmoid(x),
// and the two halves of an optimizer's `minimize`, between which gradients can be clipped. Not TypeScript because the types of tfjs
// bring along old types of WebGPU, which would mix with the project's; tfjs.d.mts declares what the comparison needs.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { GOLDEN_SIDE } from '../../run/golden_workload';
import { CLASS_ROWS, conditionedChannels, frequencies } from './workload';

const backends = {
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
};

export async function loadTfjs(backend) {
  await backends[backend]();
  return (count, workload) => createTfjs(backend, count, workload);
}

async function createTfjs(backend, count, workload) {
  /** Two backends may take turns; TensorFlow.js has one current backend. */
  const use = async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no backend ${backend} here.`);
  };
  await use();
  await tf.ready();
  /** By the names of the parameters. */
  const weights = Object.fromEntries(
    workload.weights().map(({ name, shape }) => [name, tf.variable(tf.zeros(shape))]),
  );
  const restoreWeights = async () => {
    await use();
    tf.tidy(() => {
      for (const { name, shape, values } of workload.weights())
        weights[name].assign(tf.tensor(values, shape));
    });
  };
  await restoreWeights();

  const { adam, clipNorm } = workload;
  const optimizer = tf.train.adam(workload.rate(0), adam.beta1, adam.beta2, adam.epsilon);
  const variables = Object.values(weights);
  const images = (values) => tf.tensor4d(values, [count, GOLDEN_SIDE, GOLDEN_SIDE, 1]);
  const inputs = ({ noisy, levels, labels }) => ({
    noisy: images(noisy),
    ...(levels && {
      levels: tf.tensor2d(levels, [count, 1]),
      labels: tf.tensor1d(Int32Array.from(labels), 'int32'),
    }),
  });
  let steps = 0;
  return {
    renderer: backend === 'webgl' ? webglRenderer() : undefined,
    async step(batch) {
      await use();
      optimizer.learningRate = workload.rate(steps++);
      const loss = tf.tidy(() => {
        const given = inputs(batch);
        const target = images(batch.target);
        const lossOf = () => tf.losses.meanSquaredError(target, network(weights, workload, given));
        const { value, grads } = optimizer.computeGradients(lossOf, variables);
        optimizer.applyGradients(clipNorm === undefined ? grads : clipped(grads, clipNorm));
        return value;
      });
      const [value] = await loss.data();
      loss.dispose();
      // The variable that Adam updates last: to read it is to wait for all the others.
      const last = tf.tidy(() => variables.at(-1).clone());
      await last.data();
      last.dispose();
      await tf.backend().queue?.onSubmittedWorkDone();
      return value;
    },
    async predict(batch) {
      await use();
      const output = tf.tidy(() => network(weights, workload, inputs(batch)));
      const values = await output.data();
      output.dispose();
      return values;
    },
    restoreWeights,
  };
}

const swish = (z) => tf.mul(z, tf.sigmoid(z));
const pool = (x) => tf.maxPool(x, 2, 2, 'valid');
const upsample = (x) => tf.image.resizeNearestNeighbor(x, [x.shape[1] * 2, x.shape[2] * 2]);

/** The bias that noise level and class add to the channels of each convolution but the last, [count, 1, 1, channels]. */
function conditioning(weights, workload, levels, labels) {
  const phases = tf.mul(levels, tf.tensor2d(frequencies, [1, frequencies.length]));
  const phi = tf.concat([tf.sin(phases), tf.cos(phases)], 1);
  const rows = tf.matMul(tf.oneHot(labels, CLASS_ROWS), weights['conditioning.hidden.classes']);
  const sum = tf.add(tf.matMul(phi, weights['conditioning.hidden.kernel']), rows);
  const hidden = swish(tf.add(sum, weights['conditioning.hidden.bias']));
  const added = tf.add(
    tf.matMul(hidden, weights['conditioning.output.kernel']),
    weights['conditioning.output.bias'],
  );
  return tf
    .split(added, conditionedChannels(workload), 1)
    .map((part) => tf.reshape(part, [levels.shape[0], 1, 1, -1]));
}

/** The network's output for a batch, [count, height, width, 1]; `weights` by the names of the parameters. */
function network(weights, workload, { noisy, levels, labels }) {
  const biases = levels ? conditioning(weights, workload, levels, labels) : [];
  const convolution = (name, x) => {
    const filter = weights[`${name}.kernel`];
    const bias = weights[`${name}.bias`];
    const imageBias = biases.shift();
    // Both at once: that is a single pass over the map, and a single sum over it for both gradients.
    if (imageBias) return tf.add(tf.conv2d(x, filter, 1, 'same'), tf.add(imageBias, bias));
    return tf.fused.conv2d({ x, filter, strides: 1, pad: 'same', bias, activation: 'linear' });
  };
  const skips = [];
  let x = noisy;
  for (const { name, activation, next } of workload.layers) {
    x = convolution(name, x);
    if (activation === 'swish') x = swish(x);
    if (next === 'pool') {
      skips.push(x);
      x = pool(x);
    } else if (next === 'upsample') x = tf.add(upsample(x), skips.pop());
  }
  return x;
}

/** Like PyTorch's clip_grad_norm_: scales all gradients by the same factor if their joint norm exceeds `most`. */
function clipped(gradients, most) {
  // Not addN, which binds more buffers at once than WebGPU must allow.
  const norm = tf.sqrt(tf.sum(tf.stack(Object.values(gradients).map((g) => tf.sum(tf.square(g))))));
  const scale = tf.minimum(tf.div(most, tf.add(norm, 1e-6)), 1);
  return Object.fromEntries(Object.entries(gradients).map(([name, g]) => [name, tf.mul(g, scale)]));
}

function webglRenderer() {
  const { gl } = tf.backend().gpgpu;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  return gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}
