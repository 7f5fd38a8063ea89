/** The loss of the run's network on images that it is not trained on, over all and by noise level. */
import type { Dataset, Engine, ImageSet, Trainer } from '../../../src';
import { imagesFrom } from '../../pictures/hold_out';
import type { HeldOutLoss } from '../messages/measurements';

/** Maximum number of images. They and their noise stay the same, so that two losses of a run can be compared. */
const EVALUATED = { gpu: 1000, software: 200 };

export class HeldOut {
  private readonly engine: Engine;
  private readonly images: ImageSet;
  private readonly binarize: boolean | undefined;
  /** The images on the GPU, uploaded at the first measurement. */
  private dataset: Dataset | undefined;

  constructor(engine: Engine, held: ImageSet, binarize: boolean | undefined) {
    const most = EVALUATED[engine.adapter.software ? 'software' : 'gpu'];
    this.engine = engine;
    this.images = imagesFrom(held, 0, Math.min(most, held.count));
    this.binarize = binarize;
  }

  get count(): number {
    return this.images.count;
  }

  /** Rejects with the signal's reason between two batches. */
  async measure(trainer: Trainer, step: number, signal: AbortSignal): Promise<HeldOutLoss> {
    const { binarize, count } = this;
    this.dataset ??= await this.engine.createDataset(this.images);
    const { loss, bins } = await trainer.evaluate(this.dataset, { binarize, signal });
    return { step, loss, bins: bins.map((bin) => bin.loss ?? null), images: count };
  }

  free(): void {
    this.dataset?.destroy();
    this.dataset = undefined;
  }
}
