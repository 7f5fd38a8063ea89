/** The loss of the run's network on images that it is not trained on, over all and by noise level. */
import type { Dataset, Engine, ImageSet, Trainer } from '../../src';
import { imagesFrom } from '../run/hold_out';
import type { HeldOutLoss } from './measurements';

/** At most so many images: always the same, with the same noise, so that two figures of a run can be compared. */
const EVALUATED = { gpu: 1000, software: 200 };

export class HeldOut {
  private readonly dataset: Dataset;
  private readonly binarize: boolean | undefined;

  private constructor(dataset: Dataset, binarize: boolean | undefined) {
    this.dataset = dataset;
    this.binarize = binarize;
  }

  /** Brings the images to the GPU. */
  static async create(
    engine: Engine,
    held: ImageSet,
    { binarize }: { readonly binarize: boolean | undefined },
  ): Promise<HeldOut> {
    const most = EVALUATED[engine.adapter.software ? 'software' : 'gpu'];
    const images = imagesFrom(held, 0, Math.min(most, held.count));
    return new HeldOut(await engine.createDataset(images), binarize);
  }

  get images(): number {
    return this.dataset.count;
  }

  /** Rejects with the signal's reason between two batches. */
  async measure(trainer: Trainer, step: number, signal: AbortSignal): Promise<HeldOutLoss> {
    const { dataset, binarize } = this;
    const { loss, bins } = await trainer.evaluate(dataset, { binarize, signal });
    return { step, loss, bins: bins.map((bin) => bin.loss ?? null), images: dataset.count };
  }

  free(): void {
    this.dataset.destroy();
  }
}
