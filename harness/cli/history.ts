/** The samples of a fixed seed over a run, as frames of an animated picture. */
import type { Engine } from '../../src/engine';
import type { Sampler } from '../../src/sampling/sampler';
import type { UNet } from '../../src/unet/unet';
import type { RunSettings } from '../../src/weights/run_fields';
import { encodeGif } from '../pictures/gif';
import { type BytePicture, grid } from '../pictures/pictures';
import { classesInTurn, sheetColumns } from './digit_pictures';

const ROWS = 2;
const MILLISECONDS = 250;
/** Young networks look better in many steps than in the few that suffice later. */
const SAMPLING = { method: 'euler', steps: 20 } as const;

/** The step of the frame that follows the frame of `step`: 1,280 images later at first, then at growing distances. */
export function nextFrame(step: number, batch: number): number {
  const images = step * batch;
  return Math.ceil((images + 1280 * Math.max(1, Math.round(images / 6400))) / batch);
}

export class SampleHistory {
  private readonly frames: { step: number; picture: BytePicture }[] = [];
  private readonly sampler: Sampler;
  private readonly seed: number;
  private readonly batch: number;
  /** The step of the next frame. */
  next = 0;

  private constructor(sampler: Sampler, { seed, batchSize }: Pick<RunSettings, 'seed' | 'batchSize'>) {
    this.sampler = sampler;
    this.seed = seed;
    this.batch = batchSize;
  }

  static async create(
    engine: Engine,
    unet: UNet,
    settings: Pick<RunSettings, 'seed' | 'batchSize'>,
  ): Promise<SampleHistory> {
    const sampler = await engine.createSampler(unet, { count: ROWS * sheetColumns(unet) });
    return new SampleHistory(sampler, settings);
  }

  /** Destroys the sampler; the frames stay. */
  destroy(): void {
    this.sampler.destroy();
  }

  /** Adds a frame, unless the next one is due at a later step. */
  async add(step: number, signal?: AbortSignal): Promise<void> {
    if (step < this.next) return;
    this.next = nextFrame(step, this.batch);
    const { unet, count } = this.sampler;
    const options = { ...SAMPLING, ...classesInTurn(unet, count), seed: this.seed, signal };
    const values = await this.sampler.sample(options);
    const picture = grid({ ...unet.config, values }, sheetColumns(unet), { scale: 3 });
    this.frames.push({ step, picture });
  }

  /** Encodes the frames as an animated GIF. */
  encode(): Uint8Array<ArrayBuffer> {
    return encodeGif(
      this.frames.map(({ picture }) => picture),
      MILLISECONDS,
    );
  }
}
