/** Networks to sample from besides the run's: the pretrained network of each recipe, and one from a file. */
import type { Engine, UNet } from '../../../src';
import { loadPretrained, type PretrainedName } from '../../../src/pretrained';
import type { Model } from '../../../src/weights/model';
import type { Network } from '../messages/order';
import { createTrained } from './door';

interface Loaded {
  readonly model: Model;
  /** The network on the GPU, while its device exists. */
  unet?: UNet;
}

export class Models {
  private readonly pretrained = new Map<PretrainedName, Loaded>();
  /** Networks that are being read. */
  private readonly loading = new Map<PretrainedName, Promise<Loaded>>();
  private file: Loaded | undefined;

  async ofRecipe(recipe: PretrainedName, engine: Engine): Promise<Network> {
    return onGpu(await this.load(recipe), engine);
  }

  /** The pretrained network of a recipe, for runs that begin with it. */
  async modelOf(recipe: PretrainedName): Promise<Model> {
    return (await this.load(recipe)).model;
  }

  private async load(recipe: PretrainedName): Promise<Loaded> {
    const loaded = this.pretrained.get(recipe) ?? this.loading.get(recipe);
    if (loaded) return loaded;
    const load = async () => {
      const made = { model: await loadPretrained(recipe) };
      this.pretrained.set(recipe, made);
      return made;
    };
    // A failure is not kept: the next request tries again.
    const loading = load().finally(() => this.loading.delete(recipe));
    this.loading.set(recipe, loading);
    return loading;
  }

  ofFile(engine: Engine): Promise<Network> {
    return onGpu(this.file!, engine);
  }

  /** Replaces the previous file's network, if this one can be uploaded to the GPU. Returns the network that is no longer used. */
  async open(model: Model, engine: Engine): Promise<UNet | undefined> {
    const before = this.file?.unet;
    const loaded: Loaded = { model };
    await onGpu(loaded, engine);
    this.file = loaded;
    return before;
  }

  /** Call this when the device is lost, or about to be destroyed. */
  free(): void {
    for (const loaded of [...this.pretrained.values(), this.file]) {
      loaded?.unet?.destroy();
      if (loaded) loaded.unet = undefined;
    }
  }
}

async function onGpu(loaded: Loaded, engine: Engine): Promise<Network> {
  const { model } = loaded;
  loaded.unet ??= await createTrained(engine, model);
  return { unet: loaded.unet, objective: model.objective };
}
