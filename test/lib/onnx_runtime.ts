/** Runs a network in ONNX Runtime, in Node. */
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { countOutChannels, type UNetConfig } from '../../src/unet/config';

export interface Told {
  readonly levels?: ArrayLike<number>;
  readonly labels?: ArrayLike<number>;
}

/** Its version for Node, where nothing bundles it for a browser. */
function runtime(): typeof import('onnxruntime-web') {
  const { createRequire } = process.getBuiltinModule('node:module');
  const runtime = createRequire(import.meta.url)('onnxruntime-web') as typeof import('onnxruntime-web');
  runtime.env.wasm.numThreads = 1;
  return runtime;
}

/** Moves axes of [count, a, b] to [count, b, a]. */
function swapped(values: ArrayLike<number>, count: number, a: number): Float32Array {
  const b = values.length / count / a;
  return Float32Array.from(values, (_, i) => {
    const n = Math.floor(i / (a * b));
    const within = i % (a * b);
    return values[n * a * b + (within % a) * b + Math.floor(within / a)];
  });
}

export async function openOnnx(file: Uint8Array, config: UNetConfig) {
  const { InferenceSession, Tensor } = runtime();
  const session: InferenceSession = await InferenceSession.create(file, { executionProviders: ['wasm'] });
  const { height, width, channels } = config;
  return {
    session,
    /** Like unet.predict: images are [count][height][width][channels]. */
    async predict(images: ArrayLike<number>, count: number, { levels, labels }: Told = {}) {
      const feeds: Record<string, Tensor> = {
        images: new Tensor('float32', swapped(images, count, height * width), [
          count,
          channels,
          height,
          width,
        ]),
      };
      if (levels) feeds.levels = new Tensor('float32', Float32Array.from(levels), [count]);
      if (labels) feeds.labels = new Tensor('int64', BigInt64Array.from(Array.from(labels), BigInt), [count]);
      const { prediction } = await session.run(feeds);
      if (prediction.dims.join() !== [count, countOutChannels(config), height, width].join())
        throw new Error(`The prediction has the shape ${prediction.dims}.`);
      return swapped(prediction.data as Float32Array, count, countOutChannels(config));
    },
  };
}
