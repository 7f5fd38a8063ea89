/** Buffers and programs of sampling, for the tutorial's steps or along a flow. */
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { Upload } from '../gpu/upload';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { denoiseStep } from '../kernels/denoise_step';
import { flowStep, type SampledShape } from '../kernels/flow_step';
import { knownPixels } from '../kernels/known_pixels';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { noise as noiseKernel } from '../kernels/noise';
import { sameLevel } from '../kernels/same_level';
import { type Op, op } from '../plan/op';
import { SAMPLING_STEP_WORDS } from '../plan/sampling_step';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch, type Tensor, tensor } from '../plan/tensor';
import { withVariants } from '../unet/chooser';
import type { UNetConfig } from '../unet/config';
import { predictionPass, splitByWeights } from '../unet/forward';
import type { NetworkWeights } from '../unet/network';
import { type Chosen, chooser, type VariantChooser, type Variants } from '../unet/variants';

/** A result that the caller may read; `images` holds it in the caller's layout once `toImages` has run. */
export interface Output {
  readonly images: Tensor;
  readonly toImages: Program;
}

export interface SamplingPlan {
  /** Images in the network's batch, and the caller's images of them, padded. */
  readonly networkBatch: number;
  readonly batch: number;
  /** The kernel variants in use. */
  readonly variants: Variants;
  readonly isFixed: boolean;
  /** Programs that convert the caller's images, which lie in `images`, to the kernels' layout. */
  readonly load: { readonly noise: Program; readonly start?: Program; readonly mask?: Program };
  readonly images: GPUBuffer;
  /** Makes the noise of a run from the step's seed. */
  readonly makeNoise: Program;
  /** Brings known pixels to the level of the step; all pixels at the start of a run. Along a flow only. */
  readonly known?: Program;
  /**
   * The program whose results the passes of a submission share: none or one. A whole run cannot share them: the weights may change during
   * it.
   */
  readonly prepare: readonly Program[];
  /** A pass of the network, and its update of x. */
  readonly pass: Program;
  /** x, and the network's prediction or velocity. */
  readonly outputs: { readonly x: Output; readonly predicted: Output };
  /** Writes x to `images`, as pictures from 0 to 1. */
  readonly finish: Program;
  /** Receive a row of `listPasses`: its first words, and the share that follows them. */
  readonly step: GPUBuffer;
  readonly share?: GPUBuffer;
  /** Brings the numbers of a run and the caller's images. Keeps room for the numbers of the longest run. */
  readonly upload: Upload;
  /** Conditions of the network: the class of each image, then, with guidance, no class for each image. */
  readonly classes: GPUBuffer;
  readonly staging: Staging;
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** The ops of a run of one step. */
  readonly ops: readonly Op[];
  readonly programs: Program[];
  readonly buffers: GPUBuffer[];
  /** The tensors of a flow, and their shape. */
  readonly tensors: SamplingTensors['always'] & SamplingTensors['alongFlow'];
  readonly sampled: SampledShape;
  /** What a polish adds to the plan of a flow, once a run has one: see polish.ts. */
  polish?: PolishPrograms;
}

interface PolishPrograms {
  /** Keeps x as an image, cut to its range. */
  readonly keep: Program;
  /** Puts new noise on that image. */
  readonly renew: Program;
  /** Adds x to the mean, by the share of its row. */
  readonly average: Program;
  /** Makes x of the mean. */
  readonly mean: Program;
  readonly share: GPUBuffer;
}

interface PlanOptions {
  readonly count: number;
  readonly variants?: Variants;
  readonly measures?: boolean;
  /** Whether sampling follows a flow; else it makes the tutorial's steps. */
  readonly flow: boolean;
  /** Whether the network gets each image twice: with its class, and without. */
  readonly guided: boolean;
  /** Bytes of the rows of the longest run. */
  readonly rowBytes: number;
}

/** Batch sizes that follow from the options: the caller's images, padded, and the network's batch. */
const batchesOf = ({ count, guided }: PlanOptions) => {
  const batch = padBatch(count);
  return { batch, networkBatch: guided ? 2 * batch : batch };
};

function tensorsOf({ height, width, channels }: UNetConfig, options: PlanOptions) {
  const { batch, networkBatch } = batchesOf(options);
  const elements = channels * height * width;
  /** A tensor of `images` images: the network's batch, or the caller's images. */
  const maps = (label: string, images: number) => tensor(label, elements * images);
  return {
    always: {
      x: maps('x', networkBatch),
      prediction: maps('prediction', networkBatch),
      images: maps('images', networkBatch),
      predictedImages: maps('predicted images', batch),
      step: tensor('step', SAMPLING_STEP_WORDS),
      levels: tensor('noise levels', networkBatch),
      classes: tensor('classes', networkBatch),
      state: tensor('state', STATE_WORDS),
    },
    alongFlow: {
      noise: maps('noise', batch),
      start: maps('start', batch),
      mask: maps('mask', batch),
      velocity: maps('velocity', batch),
    },
    share: tensor('share', 1),
  };
}

type SamplingTensors = ReturnType<typeof tensorsOf>;

const sampledShape = ({ height, width, channels }: UNetConfig, options: PlanOptions): SampledShape => ({
  elements: channels * height * width,
  batch: batchesOf(options).batch,
  guided: options.guided,
});

/** The ops of each program. Pure. */
function opsOf(
  { config, plan, boundBuffers }: Pick<NetworkWeights, 'config' | 'plan' | 'boundBuffers'>,
  { always, alongFlow, share }: SamplingTensors,
  options: PlanOptions,
  variants: Variants,
) {
  const { flow, count } = options;
  const { height, width, channels, conditioning } = config;
  const shape = { height, width, channels };
  const { batch, networkBatch } = batchesOf(options);
  const { x, prediction, images, predictedImages, step, levels, classes, state } = always;
  const { noise, start, mask, velocity } = alongFlow;
  const sampled = sampledShape(config, options);
  const { elements } = sampled;

  const pass = predictionPass(plan, networkBatch, x, prediction, { levels, classes }, chooser(variants)).ops;
  const { once, each, transformed } = splitByWeights(pass, new Set(boundBuffers.keys()));
  const setLevels = conditioning?.noiseLevel
    ? [op(sameLevel, 'noise levels', { batch: networkBatch }, { step, levels })]
    : [];
  const move = flow
    ? op(flowStep, 'x', sampled, { step, prediction, velocity, x })
    : op(denoiseStep, 'x', { elements: elements * networkBatch }, { prediction, x, mix: share });
  const load = (label: string, output: Tensor) =>
    op(nhwcToChwn, label, { ...shape, batch }, { images, state, output });
  const xToImages = (pictures: boolean) =>
    op(chwnToNhwc, 'x', { ...shape, batch: networkBatch, pictures }, { input: x, images });
  const finish = xToImages(flow);
  const known = flow ? [op(knownPixels, 'x', sampled, { step, start, noise, mask, x })] : [];
  const begin = flow ? noise : x;
  const noiseShape = { ...shape, batch, count, gaussian: flow };
  const makeNoise = [op(noiseKernel, 'noise', noiseShape, { step, output: begin })];
  return {
    transformed,
    programs: {
      makeNoise,
      loadNoise: [load('noise', begin)],
      pass: [...setLevels, ...each, move],
      xToImages: [xToImages(false)],
      predictedToImages: [
        op(
          chwnToNhwc,
          'predicted',
          { ...shape, batch },
          { input: flow ? velocity : prediction, images: predictedImages },
        ),
      ],
      finish: [finish],
      known,
      loadStart: flow ? [load('start', start)] : [],
      loadMask: flow ? [load('mask', mask)] : [],
      prepare: once,
    },
    all: [...makeNoise, load('x', begin), ...known, ...setLevels, ...pass, move, finish],
  };
}

type ProgramName = keyof ReturnType<typeof opsOf>['programs'];

const LABELS: Readonly<Record<ProgramName, string>> = {
  makeNoise: 'noise',
  loadNoise: 'load noise',
  pass: 'sampling step',
  xToImages: 'x to images',
  predictedToImages: 'the prediction to images',
  finish: 'pictures',
  known: 'known pixels',
  loadStart: 'load start',
  loadMask: 'load mask',
  prepare: 'kernels for sampling',
};

export function createPlan(
  gpu: Gpu,
  unet: NetworkWeights,
  options: PlanOptions,
  variantChooser: VariantChooser,
): Promise<SamplingPlan> {
  const { networkBatch: batch } = batchesOf(options);
  const { layers } = unet.plan;
  const opsFor = (count: number, variants: Variants) => {
    const fewer = { ...options, count };
    return opsOf(unet, tensorsOf(unet.config, fewer), fewer, variants).all;
  };
  const sized = { option: 'count', images: options.count, opsOf: opsFor } as const;
  const choice = {
    given: options.variants,
    measures: options.measures,
    gpu,
    chooser: variantChooser,
    layers,
    batch,
    training: false,
    sized,
  };
  return withVariants(choice, (variants, isFixed) => makePlan(gpu, unet, options, { variants, isFixed }));
}

async function makePlan(
  gpu: Gpu,
  unet: NetworkWeights,
  options: PlanOptions,
  { variants, isFixed }: Chosen,
): Promise<SamplingPlan> {
  const { count, flow } = options;
  const { batch, networkBatch } = batchesOf(options);
  const tensors = tensorsOf(unet.config, options);
  const { always, alongFlow, share } = tensors;
  const ops = opsOf(unet, tensors, options, variants);
  const lasting = [
    ...Object.values(always),
    ...ops.transformed,
    ...(flow ? Object.values(alongFlow) : [share]),
  ];
  for (const t of lasting) gpu.checkBufferSize(`sampler ${t.label}`, t.size * 4);
  const created = await createTensorBuffers(gpu, 'sampler ', lasting);
  const buffers = [...created.values()];
  const buffer = (t: Tensor) => created.get(t)!;
  const upload = new Upload(gpu, 'sampler inputs');
  let staging: Staging | undefined;
  try {
    await upload.reserve(options.rowBytes + buffer(always.classes).size);
    await gpu.write(buffer(always.state), STATE.count * 4, Uint32Array.of(count));
    staging = await Staging.create(gpu, 'sampler images', ((2 * always.x.size) / networkBatch) * count * 4);
    const boundBuffers = new Map([...unet.boundBuffers, ...created]);
    return {
      networkBatch,
      batch,
      variants,
      isFixed,
      images: buffer(always.images),
      step: buffer(always.step),
      ...(flow ? {} : { share: buffer(share) }),
      upload,
      classes: buffer(always.classes),
      staging,
      boundBuffers,
      ops: ops.all,
      tensors: { ...always, ...alongFlow },
      sampled: sampledShape(unet.config, options),
      buffers,
      ...(await compilePlan(gpu, ops.programs, boundBuffers, always)),
    };
  } catch (error) {
    staging?.destroy();
    upload.destroy();
    for (const b of buffers) b.destroy();
    throw error;
  }
}

/** Compiles the programs of a plan. A program without ops is left out. */
async function compilePlan(
  gpu: Gpu,
  ops: Readonly<Record<ProgramName, readonly Op[]>>,
  boundBuffers: ReadonlyMap<Tensor, GPUBuffer>,
  { images, predictedImages }: SamplingTensors['always'],
) {
  const names = (Object.keys(LABELS) as ProgramName[]).filter((name) => ops[name].length > 0);
  const programs = await Program.compileAll(
    names.map((name) => Program.compile(gpu, LABELS[name], ops[name], boundBuffers)),
  );
  const optional = (name: ProgramName): Program | undefined => programs[names.indexOf(name)];
  const program = (name: ProgramName) => optional(name)!;
  return {
    programs,
    makeNoise: program('makeNoise'),
    load: { noise: program('loadNoise'), start: optional('loadStart'), mask: optional('loadMask') },
    known: optional('known'),
    prepare: names.includes('prepare') ? [program('prepare')] : [],
    pass: program('pass'),
    outputs: {
      x: { images, toImages: program('xToImages') },
      predicted: { images: predictedImages, toImages: program('predictedToImages') },
    },
    finish: program('finish'),
  };
}

export function destroyPlan({ programs, buffers, staging, upload }: SamplingPlan): void {
  for (const program of programs) program.destroy();
  for (const b of buffers) b.destroy();
  staging.destroy();
  upload.destroy();
}
