/** The pictures that the worker makes with a network: the live grid, the strip of eight, and a sampling run. */
import type { Engine, ImageSet, Sampler, UNet } from '../../src';
import { corruptMoreAndMore, greys } from '../pictures';
import { keepsFrame, type WorkerEvent } from './protocol';

type Send = (event: WorkerEvent, transfer?: Transferable[]) => void;

/** Steps from noise to the images of the live grid: on a GPU, and in software. */
const GRID_STEPS = { gpu: 10, software: 5 };
const STRIP_IMAGES = 8;

export class Views {
  private readonly send: Send;
  private readonly samplers = new Map<'grid' | 'run', Sampler>();

  constructor(send: Send) {
    this.send = send;
  }

  /** Samples of a fixed seed: what changes from one grid to the next is the network. */
  async grid(
    engine: Engine,
    unet: UNet,
    options: { step: number; count: number; seed: number; signal?: AbortSignal },
  ): Promise<void> {
    const { step, count, seed, signal } = options;
    if (count === 0) return;
    const sampler = await this.sampler('grid', engine, unet, count);
    const steps = engine.adapter.software ? GRID_STEPS.software : GRID_STEPS.gpu;
    const images = toBytes(await sampler.sample({ steps, seed, signal }));
    this.send({ type: 'grid', step, images }, [images.buffer]);
  }

  /** The first images, the same with more and more noise, and what the network, if any, makes of them. */
  async strip(images: ImageSet, unet: UNet | undefined, step: number, seed: number): Promise<void> {
    const count = Math.min(STRIP_IMAGES, images.count);
    const clean = greys(images, count);
    const noisy = corruptMoreAndMore(clean, seed);
    const fits = unet?.config.height === images.height && unet.config.width === images.width;
    const predictions = fits ? toBytes(await unet.predict(noisy.values, count)) : undefined;
    this.send({
      type: 'strip',
      step,
      clean: toBytes(clean.values),
      noisy: toBytes(noisy.values),
      predictions,
    });
  }

  /** Prepares a sampling run and returns the function that does it. */
  async run(
    engine: Engine,
    unet: UNet,
    options: { steps: number; count: number; seed: number },
  ): Promise<(signal: AbortSignal) => Promise<void>> {
    const { steps, count, seed } = options;
    const { height, width } = unet.config;
    const sampler = await this.sampler('run', engine, unet, count);
    return async (signal) => {
      for await (const { step, input, prediction } of sampler.run({ steps, seed, signal })) {
        const frame = keepsFrame(step + 1, steps)
          ? { x: toBytes(input), prediction: toBytes(prediction) }
          : undefined;
        this.send(
          { type: 'sampled', step: step + 1, steps, count, height, width, frame },
          frame && [frame.x.buffer, frame.prediction.buffer],
        );
      }
    };
  }

  /** To be called before a network goes. */
  free(): void {
    for (const sampler of this.samplers.values()) sampler.destroy();
    this.samplers.clear();
  }

  private async sampler(use: 'grid' | 'run', engine: Engine, unet: UNet, count: number): Promise<Sampler> {
    const old = this.samplers.get(use);
    if (old?.count === count && old.unet === unet) return old;
    old?.destroy();
    this.samplers.delete(use);
    const sampler = await engine.createSampler(unet, { count });
    this.samplers.set(use, sampler);
    return sampler;
  }
}

function toBytes(values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  // Clamped and rounded by the array's own conversion.
  return new Uint8Array(Uint8ClampedArray.from(values, (value) => value * 255).buffer);
}
