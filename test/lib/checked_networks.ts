/** Networks for the tests of the self-check, and what an engine says of them. */

import { createEngine, type Engine, recipes, type UNetConfig, type Warning } from '../../src/index';
import type { TrainerOptions } from '../../src/training/options';
import { memoryCache } from '../../src/trust/cache';
import type { SamplingMethod } from '../../src/unet/sampling';

export interface Network {
  readonly config: Partial<UNetConfig>;
  readonly trainer: TrainerOptions;
  /** Without them there is no sampler. */
  readonly methods?: readonly SamplingMethod[];
}

/** A small one of the digits' kind, which uses nearly all kernels there are. */
export const digits: Network = {
  config: { ...recipes.digits.network, height: 16, width: 16, widths: [8, 8] },
  trainer: { ...recipes.digits.trainer, batchSize: 8 },
  methods: ['euler'],
};
/** Its forms compile in a third of the time, and its checks take less. */
export const digits3x3: Network = { ...digits, config: { ...digits.config, kernelSize: 3 } };
export const tutorial: Network = {
  config: { height: 16, width: 16, widths: [8, 8], kernelSize: 5 },
  trainer: { batchSize: 8 },
  methods: ['mix'],
};

/** A network on an engine, its trainer, and images and labels for some batches. */
export async function furnish(engine: Engine, { config, trainer: options }: Network, batches = 1) {
  const unet = await engine.createUNet(config);
  const { height, width, channels, conditioning } = unet.config;
  const count = batches * options.batchSize!;
  const images = new Uint8Array(count * height * width * channels).map((_, i) => i * 37);
  const labels = conditioning && new Uint8Array(count).map((_, i) => i % conditioning.classes);
  const dataset = await engine.createDataset({ images, count, height, width, channels, labels });
  return { engine, unet, trainer: await engine.createTrainer(unet, options), dataset };
}

/** Trains for a step and samples, up to the first error. */
async function use(engine: Engine, network: Network) {
  const { unet, trainer, dataset } = await furnish(engine, network);
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(dataset, { epochs: 1, maxSteps: 1 })) losses.push(loss);
  losses.push((await trainer.evaluate(dataset)).loss);
  await trainer.getGradients();
  const { methods } = network;
  if (methods) {
    const sampler = await engine.createSampler(unet, { count: 4 });
    const conditions = unet.config.conditioning ? { labels: [0, 1, 2, 0], guidance: 2 } : {};
    for (const method of methods) await sampler.sample({ steps: 2, method, ...conditions });
  }
  return { variants: trainer.variants, losses };
}

/** What an engine with the check says of a network, which forms it uses, and the losses of a step and of the evaluation after it. */
export async function check(
  device: GPUDevice,
  network: Network,
  options: Parameters<typeof createEngine>[0] = {},
) {
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => warnings.push(warning);
  using engine = await createEngine({
    device,
    tune: false,
    tuningCache: memoryCache(),
    onWarning,
    ...options,
  });
  try {
    return { warnings, ...(await use(engine, network)), error: undefined };
  } catch (error) {
    return {
      warnings,
      variants: {},
      losses: [],
      error: error as Error & { code?: string; kernel?: string; variant?: string },
    };
  }
}
