import type { Gpu } from '../gpu/gpu';
import { computePass } from '../gpu/program';
import { NetworkWeights } from '../unet/network';

/**
 * The weights that a trainer trains while its UNet holds their moving average. They start as a copy of the UNet's weights, and are copied
 * again whenever something else replaces those.
 */
export class TrainedWeights {
  readonly network: NetworkWeights;
  private readonly gpu: Gpu;
  private readonly average: NetworkWeights;
  /** `average.replacements` when its weights were last copied. */
  private taken = -1;
  private unpacked = false;

  private constructor(gpu: Gpu, network: NetworkWeights, average: NetworkWeights) {
    this.gpu = gpu;
    this.network = network;
    this.average = average;
  }

  static async create(gpu: Gpu, average: NetworkWeights): Promise<TrainedWeights> {
    return new TrainedWeights(gpu, await NetworkWeights.create(gpu, average.config), average);
  }

  /** Brings the weights up to date before a step. If the device refuses that, the next step does it. */
  async bring(): Promise<void> {
    const { taken, unpacked } = this;
    if (!this.isStale && !unpacked) return;
    const encoder = this.gpu.device.createCommandEncoder({ label: 'trained weights' });
    this.encode(encoder);
    try {
      await this.gpu.submit(encoder);
    } catch (error) {
      Object.assign(this, { taken, unpacked });
      throw error;
    }
  }

  /** Records the same for a recorded step. */
  encode(encoder: GPUCommandEncoder): void {
    if (this.isStale) {
      const { plan: to, boundBuffers: buffers } = this.network;
      const { plan: from, boundBuffers: sources } = this.average;
      for (const [a, b] of [
        [from.flat, to.flat],
        [from.packed, to.packed],
      ])
        encoder.copyBufferToBuffer(sources.get(a)!, 0, buffers.get(b)!, 0, a.size * 4);
      this.taken = this.average.replacements;
    } else if (this.unpacked) {
      computePass(encoder, 'pack weights', (pass) => this.network.encodePacking(pass));
    }
    this.unpacked = false;
  }

  /** Sets the weights from a saved state: laid out like the flat parameters, or undefined to copy the UNet's. */
  set(flat: Float32Array<ArrayBuffer> | undefined): void {
    this.taken = flat ? this.average.replacements : -1;
    if (!flat) return;
    const { plan, boundBuffers } = this.network;
    this.gpu.writeSoon(boundBuffers.get(plan.flat)!, 0, flat);
    this.unpacked = true;
  }

  /** The buffer that has the weights at present. */
  get parameterBuffer(): GPUBuffer {
    return (this.isStale ? this.average : this.network).parameterBuffer;
  }

  private get isStale(): boolean {
    return this.taken !== this.average.replacements;
  }
}
