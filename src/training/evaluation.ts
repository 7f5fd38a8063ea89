/** The loss of a network on images that it was not trained on. */
import { Dataset } from '../data/dataset';
import type { ImageSet } from '../data/idx';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { imageLosses } from '../kernels/image_losses';
import { type Op, op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { type Tensor, tensor } from '../plan/tensor';
import { countOutChannels } from '../unet/config';
import { forwardPass } from '../unet/forward';
import type { NetworkWeights } from '../unet/network';
import { chooser, type Variants } from '../unet/variants';
import { setTensors } from './feed';
import { type CorruptionOptions, planCorruption, type SetTensors } from './step';
import { checkDataset } from './validate';

/** Bins of noise levels, from 0 to 1. */
const BINS = 10;

/** The result of `evaluate`. */
export interface Evaluation {
  /** Mean squared error over all images. */
  readonly loss: number;
  /** The same by noise level: ten bins of a tenth each. If there are no images, `loss` is undefined. */
  readonly bins: readonly {
    /** The lowest noise level of the bin: 0, 0.1, and so on. */
    readonly from: number;
    /** The lowest noise level of the next bin, up to 1. */
    readonly to: number;
    /** Number of images with a level in the bin. */
    readonly count: number;
    /** Their mean squared error. */
    readonly loss: number | undefined;
  }[];
}

/** The ops of an evaluation: a step's batch and forward pass, and the loss of each image. Pure. */
function planEvaluation(
  unet: Pick<NetworkWeights, 'config' | 'plan'>,
  batch: number,
  variants: Variants,
  set: SetTensors,
  corruption: Omit<CorruptionOptions, 'classDropout' | 'levels'>,
) {
  const { config, plan } = unet;
  const { height, width, channels } = config;
  const [inSize, outSize] = [channels, countOutChannels(config)].map((c) => height * width * c * batch);
  const tensors = {
    state: tensor('state', STATE_WORDS),
    noisy: tensor('noisy', inSize),
    target: tensor('target', outSize),
    levels: tensor('noise levels', batch),
    classes: tensor('classes', batch),
  };
  const losses = tensor('losses of images', batch);
  const pre = tensor('pre-activation', outSize);
  const last = plan.layers[plan.layers.length - 1];
  const { target, state } = tensors;
  const shape = { elements: outSize / batch, batch, swish: last.activation === 'swish' };
  const ops: Op[] = [
    ...planCorruption(config, tensors, batch, set, { ...corruption, classDropout: 0, levels: true }),
    ...forwardPass(plan, batch, tensors.noisy, pre, tensors, chooser(variants)).ops,
    op(imageLosses, 'loss', shape, { pre, target, state, losses }),
  ];
  return { ops, state, levels: tensors.levels, losses };
}

interface EvaluationParts {
  readonly unet: NetworkWeights;
  readonly batch: number;
  readonly variants: Variants;
  /** From `setTensors`. */
  readonly data: { readonly set: SetTensors; readonly buffers: readonly [Tensor, GPUBuffer][] };
  readonly corruption: Omit<CorruptionOptions, 'classDropout' | 'levels'>;
  readonly signal?: AbortSignal | undefined;
}

/** Runs over the data set in batches. A conditioned network gets every class; none is withheld. */
async function evaluate(
  gpu: Gpu,
  { unet, batch, variants, data: { set, buffers }, corruption, signal }: EvaluationParts,
): Promise<Evaluation> {
  const { ops, state, levels, losses } = planEvaluation(unet, batch, variants, set, corruption);
  const own = await createTensorBuffers(gpu, 'evaluation ', [state, levels, losses]);
  let staging: Staging | undefined;
  let program: Program | undefined;
  try {
    const boundBuffers = new Map([...unet.boundBuffers, ...buffers, ...own]);
    staging = await Staging.create(gpu, 'evaluation', 2 * batch * 4);
    program = await Program.compile(gpu, 'evaluation', ops, boundBuffers);
    const sums = Array.from({ length: BINS }, () => ({ count: 0, sum: 0 }));
    for (let done = 0, step = 0; done < set.count; done += batch, step++) {
      const count = Math.min(batch, set.count - done);
      const words = new Uint32Array(STATE_WORDS);
      words[STATE.step] = step;
      words[STATE.batchStart] = done;
      words[STATE.count] = count;
      words[STATE.epochSize] = set.count;
      gpu.writeSoon(own.get(state)!, 0, words);
      const sources = [levels, losses].map((t) => ({ buffer: own.get(t)!, bytes: count * 4 }));
      const read = await gpu.runAnd([program], (encoder, work) => staging!.read(encoder, sources, work), {
        signal,
      });
      const [ofLevel, ofImage] = read.map((bytes) => new Float32Array(bytes));
      ofImage.forEach((loss, i) => {
        const bin = sums[Math.min(Math.floor(ofLevel[i] * BINS), BINS - 1)];
        bin.count++;
        bin.sum += loss;
      });
    }
    return evaluationOf(sums, set.count);
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const b of own.values()) b.destroy();
  }
}

/** Makes an evaluation from the losses of `count` images, summed per bin. */
function evaluationOf(sums: readonly { count: number; sum: number }[], count: number): Evaluation {
  return {
    loss: sums.reduce((all, { sum }) => all + sum, 0) / count,
    bins: sums.map(({ count, sum }, i) => ({
      from: i / BINS,
      to: (i + 1) / BINS,
      count,
      loss: count === 0 ? undefined : sum / count,
    })),
  };
}

/** Evaluates on images that are on the GPU already, or brings them there. */
export async function evaluateImages(
  gpu: Gpu,
  images: ImageSet | Dataset,
  parts: Omit<EvaluationParts, 'data'>,
): Promise<Evaluation> {
  const { dataset, own } = await onGpu(gpu, images);
  let order: GPUBuffer | undefined;
  try {
    checkDataset(dataset, gpu.device, parts.unet.config);
    [order] = await gpu.createBuffers([{ label: 'evaluation order', bytes: dataset.count * 4 }]);
    const inOrder = Uint32Array.from({ length: dataset.count }, (_, i) => i);
    gpu.writeSoon(order, 0, inOrder);
    return await evaluate(gpu, { ...parts, data: setTensors(dataset, order) });
  } finally {
    order?.destroy();
    if (own) dataset.destroy();
  }
}

/** Brings `given` to the GPU unless it is there already. If `own`, the caller must destroy the data set. */
async function onGpu(gpu: Gpu, given: ImageSet | Dataset): Promise<{ dataset: Dataset; own: boolean }> {
  if (given instanceof Dataset) return { dataset: given, own: false };
  return { dataset: await Dataset.create(gpu, given), own: true };
}
