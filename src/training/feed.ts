import type { Dataset } from '../data/dataset';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import type { UNetConfig } from '../unet/config';
import type { TrainerConfig } from './options';
import { planCorruption } from './step';
import type { StepPrograms } from './step_programs';

interface FeedOptions {
  readonly config: UNetConfig;
  readonly batchSize: number;
  readonly settings: TrainerConfig;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly binarize: boolean;
}

/** A data set connected to a trainer: the shuffled order of the current epoch, and the program that draws a batch. */
export class Feed {
  readonly program: Program;
  readonly order: GPUBuffer;
  private readonly options: FeedOptions;

  private constructor(program: Program, order: GPUBuffer, options: FeedOptions) {
    this.program = program;
    this.order = order;
    this.options = options;
  }

  static async create(gpu: Gpu, { plan, boundBuffers }: StepPrograms, options: FeedOptions): Promise<Feed> {
    const { config, batchSize, settings, dataset, seed, binarize } = options;
    const [order] = await gpu.createBuffers([{ label: 'trainer order', bytes: dataset.count * 4 }]);
    const { set, buffers } = setTensors(dataset, order);
    const corruption = { ...settings, seed, binarize };
    const ops = planCorruption(config, plan.tensors, padBatch(batchSize), set, corruption);
    const all = new Map([...boundBuffers, ...buffers]);
    const program = await Program.compile(gpu, 'batch', ops, all).catch((error) => {
      order.destroy();
      throw error;
    });
    return new Feed(program, order, options);
  }

  get bytes(): number {
    return this.program.bytes + this.order.size;
  }

  serves(dataset: Dataset, seed: number, binarize: boolean): boolean {
    const { options } = this;
    return dataset === options.dataset && seed === options.seed && binarize === options.binarize;
  }

  destroy(): void {
    this.program.destroy();
    this.order.destroy();
  }
}

/** A data set, and an order of its images, as tensors with their buffers. */
export function setTensors(dataset: Dataset, orderBuffer: GPUBuffer) {
  const images = tensor('data set', dataset.buffer.size / 4);
  const order = tensor('order', dataset.count);
  const labels = dataset.labels && tensor('labels', dataset.labels.size / 4);
  const buffers: [Tensor, GPUBuffer][] = [
    [images, dataset.buffer],
    [order, orderBuffer],
  ];
  if (labels) buffers.push([labels, dataset.labels!]);
  return { set: { images, labels, order, count: dataset.count }, buffers };
}
