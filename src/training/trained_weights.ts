import type { Gpu } from '../gpu/gpu';
import { NetworkWeights } from '../unet/network';

/**
 * The weights that a trainer trains while its UNet holds their moving average. They start as a copy of the UNet's weights, and are copied
 * again wherever something else replaces those, by the same commands: whether a step was recorded or made meanwhile does not matter.
 */
export class TrainedWeights {
  readonly network: NetworkWeights;
  private readonly gpu: Gpu;
  private readonly average: NetworkWeights;
  /** Records what the trainer itself last submitted. */
  private work: (encoder: GPUCommandEncoder) => void;
  /** Settles with it. */
  private submitted: Promise<void>;

  private constructor(gpu: Gpu, network: NetworkWeights, average: NetworkWeights) {
    this.gpu = gpu;
    this.network = network;
    this.average = average;
    average.followers.add(this.copy);
    this.work = this.copy;
    this.submitted = this.submit();
  }

  static async create(gpu: Gpu, average: NetworkWeights): Promise<TrainedWeights> {
    return new TrainedWeights(gpu, await NetworkWeights.create(gpu, average.config), average);
  }

  /** Resolves when the weights are there. If the device has refused them, submits them again. */
  async bring(): Promise<void> {
    await this.submitted.catch(() => {
      this.submitted = this.submit();
      return this.submitted;
    });
  }

  /** Sets the weights from a saved state: laid out like the flat parameters, or undefined to copy the UNet's. */
  set(flat: Float32Array<ArrayBuffer> | undefined): void {
    if (flat) this.gpu.writeSoon(this.parameterBuffer, 0, flat);
    this.work = flat ? (encoder) => this.network.encodePack(encoder) : this.copy;
    this.submitted = this.submit();
  }

  get parameterBuffer(): GPUBuffer {
    return this.network.parameterBuffer;
  }

  destroy(): void {
    this.average.followers.delete(this.copy);
    this.network.destroy();
  }

  private submit(): Promise<void> {
    const encoder = this.gpu.device.createCommandEncoder({ label: 'trained weights' });
    this.work(encoder);
    const submitted = this.gpu.submit(encoder);
    submitted.catch(() => {}); // the next step submits it again
    return submitted;
  }

  /** Records a copy of the UNet's weights. */
  private readonly copy = (encoder: GPUCommandEncoder) => {
    const { plan: to, boundBuffers: buffers } = this.network;
    const { plan: from, boundBuffers: sources } = this.average;
    for (const [a, b] of [
      [from.flat, to.flat],
      [from.packed, to.packed],
    ])
      encoder.copyBufferToBuffer(sources.get(a)!, 0, buffers.get(b)!, 0, a.size * 4);
  };
}
