/** What a worker has on its device to sample with: trained networks by name, and samplers by their use. */

import type { Engine } from '../engine';
import type { Sampler } from '../sampling/sampler';
import type { Objective } from '../training/step_config';
import type { UNet } from '../unet/unet';
import type { Model } from '../weights/model';
import { createTrained } from './run';

/** A sampler, or whatever else works with a network and goes before it. */
type User = Pick<Sampler, 'unet' | 'destroy'>;

/** A network, and the objective of its training, which determines how to sample from it. */
interface Network {
  readonly unet: UNet;
  readonly objective: Objective;
}

export class SamplerCache {
  private readonly users = new Map<string, User>();
  /** The loaded models, and their networks while there is a device. */
  private readonly models = new Map<string, { readonly model: Model; unet?: UNet | undefined }>();

  /** Loads a network in place of the one of this name. Throws for a wrong model; then the one before stays. */
  async load(name: string, model: Model, engine: Engine): Promise<Network> {
    const unet = await createTrained(engine, model);
    const before = this.models.get(name)?.unet;
    if (before) this.free(before);
    before?.destroy();
    this.models.set(name, { model, unet });
    return { unet, objective: model.objective };
  }

  /** The network of this name; undefined if none was loaded. */
  async network(name: string, engine: Engine): Promise<Network | undefined> {
    const loaded = this.models.get(name);
    if (!loaded) return undefined;
    loaded.unet ??= await createTrained(engine, loaded.model);
    return { unet: loaded.unet, objective: loaded.model.objective };
  }

  /** The sampler of a use: another one takes its place for another network or number of images. */
  sampler(use: string, engine: Engine, unet: UNet, count = 64): Promise<Sampler> {
    const fits = (last: Sampler) => last.unet === unet && last.count === count;
    return this.reuse(use, fits, () => engine.createSampler(unet, { count }));
  }

  /** Keeps one user of a network for each use: the last one if it fits, else a new one, which `create` makes after the last is freed. */
  async reuse<Kind extends User>(
    use: string,
    fits: (last: Kind) => boolean,
    create: () => Promise<Kind>,
  ): Promise<Kind> {
    const last = this.users.get(use) as Kind | undefined;
    if (last && fits(last)) return last;
    last?.destroy();
    this.users.delete(use);
    const user = await create();
    this.users.set(use, user);
    return user;
  }

  /** Call this before a network is destroyed; without an argument, when all are. */
  free(unet?: UNet): void {
    // What was made later may use what was made before.
    for (const [use, user] of [...this.users].reverse()) {
      if (unet && user.unet !== unet) continue;
      user.destroy();
      this.users.delete(use);
    }
    if (unet) return;
    for (const loaded of this.models.values()) {
      loaded.unet?.destroy();
      loaded.unet = undefined;
    }
  }
}
