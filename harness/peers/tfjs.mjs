// The network in TensorFlow.js, in core operations: fused convolution and bias, as tf.layers itself emits them, x * sigmoid(x),
// and an optimizer's `minimize`. Not TypeScript because the types of tfjs bring along old ones of WebGPU, which would mix with
// those of the project; tfjs.d.mts says what is needed of it.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { initialWeights, KERNEL, LAYERS, SIDE } from '../../test/golden/workload';
import { adam } from './peer';

const backends = {
  webgpu: () => import('@tensorflow/tfjs-backend-webgpu'),
  webgl: () => import('@tensorflow/tfjs-backend-webgl'),
};

export async function loadTfjs(backend) {
  await backends[backend]();
  return (count) => createTfjs(backend, count);
}

async function createTfjs(backend, count) {
  // Two backends may take turns; tfjs has one current backend for all.
  const use = async () => {
    if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no backend ${backend} here.`);
  };
  await use();
  await tf.ready();
  const layers = LAYERS.map(([name, fanIn, fanOut]) => ({
    kernel: tf.variable(tf.zeros([KERNEL, KERNEL, fanIn, fanOut])),
    bias: tf.variable(tf.zeros([fanOut])),
    name,
  }));
  const restoreWeights = async () => {
    await use();
    const values = initialWeights();
    tf.tidy(() => {
      for (const { kernel, bias, name } of layers) {
        kernel.assign(tf.tensor(values.get(`${name}.kernel`), kernel.shape));
        bias.assign(tf.tensor(values.get(`${name}.bias`), bias.shape));
      }
    });
  };
  await restoreWeights();

  const conv = (x, { kernel, bias }) => {
    const z = tf.fused.conv2d({
      x,
      filter: kernel,
      strides: 1,
      pad: 'same',
      bias,
      activation: 'linear',
    });
    return tf.mul(z, tf.sigmoid(z));
  };
  const pool = (x) => tf.maxPool(x, 2, 2, 'valid');
  const upsample = (x) => tf.image.resizeNearestNeighbor(x, [x.shape[1] * 2, x.shape[2] * 2]);
  const network = (x) => {
    const skip0 = conv(x, layers[0]);
    const skip1 = conv(pool(skip0), layers[1]);
    let h = conv(pool(skip1), layers[2]);
    h = conv(h, layers[3]);
    h = conv(tf.add(upsample(h), skip1), layers[4]);
    return conv(tf.add(upsample(h), skip0), layers[5]);
  };

  const optimizer = tf.train.adam(adam.rate, adam.beta1, adam.beta2, adam.epsilon);
  const variables = layers.flatMap(({ kernel, bias }) => [kernel, bias]);
  const images = (values) => tf.tensor4d(values, [count, SIDE, SIDE, 1]);
  return {
    renderer: backend === 'webgl' ? webglRenderer() : undefined,
    async step({ noisy, clean }) {
      await use();
      const loss = tf.tidy(() => {
        const [input, target] = [images(noisy), images(clean)];
        return optimizer.minimize(() => tf.losses.meanSquaredError(target, network(input)), true, variables);
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
    async predict(noisy) {
      await use();
      const output = tf.tidy(() => network(images(noisy)));
      const values = await output.data();
      output.dispose();
      return values;
    },
    restoreWeights,
  };
}

function webglRenderer() {
  const { gl } = tf.backend().gpgpu;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  return gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}
