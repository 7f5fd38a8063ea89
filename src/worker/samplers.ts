/** The networks that a worker samples from, and their samplers, which stay as long as the number of images does. */

import { EngineError } from '../base/errors';
import type { Engine } from '../engine';
import type { Sampler } from '../sampling/sampler';
import type { UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import type { Model } from '../weights/model';
import { createTrained } from './run';

export class Samplers {
  private readonly samplers = new Map<UNet, Sampler>();
  /** The loaded model, and its network while there is a device. */
  private loaded: { readonly model: Model; unet?: UNet } | undefined;

  /** Loads a network to sample from. Throws for a wrong model. */
  async load(model: Model, engine: Engine): Promise<UNetConfig> {
    const unet = await createTrained(engine, model);
    const before = this.loaded?.unet;
    if (before) this.free(before);
    before?.destroy();
    this.loaded = { model, unet };
    return unet.config;
  }

  /** The network of the loaded model. */
  async model(engine: Engine): Promise<UNet> {
    const { loaded } = this;
    if (!loaded) {
      throw new EngineError(
        'argument',
        'This worker has no network to sample from. Make a run with begin or resume, or load a model.',
      );
    }
    loaded.unet ??= await createTrained(engine, loaded.model);
    return loaded.unet;
  }

  async of(unet: UNet, engine: Engine, count = 64): Promise<Sampler> {
    const old = this.samplers.get(unet);
    if (old?.count === count) return old;
    const sampler = await engine.createSampler(unet, { count });
    old?.destroy();
    this.samplers.set(unet, sampler);
    return sampler;
  }

  /** Call this before a network is destroyed; without an argument, when the device is lost. */
  free(unet?: UNet): void {
    for (const [of, sampler] of this.samplers) {
      if (unet && of !== unet) continue;
      sampler.destroy();
      this.samplers.delete(of);
    }
    if (unet) return;
    this.loaded?.unet?.destroy();
    if (this.loaded) this.loaded.unet = undefined;
  }
}
