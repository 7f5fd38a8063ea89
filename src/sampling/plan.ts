/** Buffers and programs of sampling, by the tutorial's steps or along a flow. */
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { denoiseStep } from '../kernels/denoise_step';
import { flowStep } from '../kernels/flow_step';
import { gaussianNoise } from '../kernels/gaussian_noise';
import { knownPixels } from '../kernels/known_pixels';
import { nhwcToChwn } from '../kernels/nhwc_to_chwn';
import { sameLevel } from '../kernels/same_level';
import { uniformNoise } from '../kernels/uniform_noise';
import { unitRange } from '../kernels/unit_range';
import { type Op, op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { type Tensor, tensor } from '../plan/tensor';
import { predictionPass, splitByWeights } from '../unet/forward';
import type { UNet } from '../unet/unet';
import { checkVariants, chooser, type Variants } from '../unet/variants';
import { SAMPLING_STEP_WORDS } from './step';

/** Something that the caller may read, in the caller's order once its program has run. */
export interface Output {
  readonly images: Tensor;
  readonly toImages: Program;
}

export interface SamplingPlan {
  /** Images that the network sees at once, and how many of them are the caller's, padded. */
  readonly seen: number;
  readonly batch: number;
  /** Brings the caller's images, which lie in `images`, to where they belong. */
  readonly load: { readonly noise: Program; readonly start?: Program; readonly mask?: Program };
  readonly images: GPUBuffer;
  /** What makes the noise that a run starts from, of a seed. */
  readonly noise: (seed: number) => Op;
  /** Brings known pixels to the level of the step; all of them, where x begins. Along a flow only. */
  readonly known?: Program;
  /** What the passes of a submission share: none or one. Not those of a whole run, in the middle of which the weights may change. */
  readonly prepare: readonly Program[];
  /** A pass of the network, and what it makes of x. */
  readonly pass: Program;
  /** x, and the network's prediction or its velocity. */
  readonly outputs: { readonly x: Output; readonly made: Output };
  /** x as pictures from 0 to 1 into `images`. */
  readonly finish: Program;
  /** Where a row of `passesOf` goes: its first words, and the share behind them. */
  readonly step: GPUBuffer;
  readonly share?: GPUBuffer;
  /** The rows of a run. */
  readonly rows: GPUBuffer;
  /** What the network is told: classes of images, twice where it is guided. */
  readonly classes: GPUBuffer;
  readonly staging: Staging;
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  /** What `encodeRun` of one step does. */
  readonly ops: readonly Op[];
  readonly programs: readonly Program[];
  readonly own: readonly GPUBuffer[];
}

export interface PlanOptions {
  readonly count: number;
  readonly variants?: Variants;
  /** Along a flow; else by the tutorial's steps. */
  readonly flow: boolean;
  /** Whether the network sees each image twice: told its class, and told none. */
  readonly guided: boolean;
  /** The most rows of a run. */
  readonly mostRows: number;
  readonly rowWords: number;
}

export async function createPlan(gpu: Gpu, unet: UNet, options: PlanOptions): Promise<SamplingPlan> {
  const { count, flow, guided, mostRows, rowWords } = options;
  const { height, width, channels, conditioning } = unet.config;
  const batch = Math.ceil(count / 4) * 4;
  const seen = guided ? 2 * batch : batch;
  const { layers } = unet.plan;
  if (options.variants) checkVariants(options.variants, layers, seen, gpu.device.features, false);
  const variants = options.variants ?? (await gpu.chooseVariants(layers, seen, false));

  const elements = channels * height * width;
  const shape = { height, width, channels };
  const x = tensor('x', elements * seen);
  const prediction = tensor('prediction', elements * seen);
  const images = tensor('images', elements * seen);
  const madeImages = tensor('made images', elements * batch);
  const step = tensor('step', SAMPLING_STEP_WORDS);
  const levels = tensor('noise levels', seen);
  const classes = tensor('classes', seen);
  const state = tensor('state', STATE_WORDS);
  const share = tensor('share', 1);
  const rows = tensor('rows', mostRows * rowWords);
  // Along a flow.
  const [noise, start, mask, velocity, pictures] = ['noise', 'start', 'mask', 'velocity', 'pictures'].map(
    (label) => tensor(label, elements * batch),
  );

  const pass = predictionPass(unet.plan, seen, x, prediction, { levels, classes }, chooser(variants));
  const { once, each, made } = splitByWeights(pass, new Set(unet.fixed.keys()));
  const sampled = { elements, batch, guided };
  const told = conditioning?.noiseLevel
    ? [op(sameLevel, 'noise levels', { batch: seen }, { step, levels })]
    : [];
  const move = flow
    ? op(flowStep, 'x', sampled, { step, prediction, velocity, x })
    : op(denoiseStep, 'x', { elements: elements * seen }, { prediction, x, mix: share });
  const load = (label: string, to: Tensor) => [
    op(nhwcToChwn, label, { ...shape, batch }, { images, state, output: to }),
  ];
  const toImages = (label: string, input: Tensor, of: number, to: Tensor) => [
    op(chwnToNhwc, label, { ...shape, batch: of }, { input, images: to }),
  ];
  const finish = flow
    ? [op(unitRange, 'x', sampled, { x, output: pictures }), ...toImages('x', pictures, batch, images)]
    : toImages('x', x, seen, images);
  const known = op(knownPixels, 'x', sampled, { step, start, noise, mask, x });

  const tensors = [x, prediction, images, madeImages, step, levels, classes, state, rows, ...made];
  if (flow) tensors.push(noise, start, mask, velocity, pictures);
  else tensors.push(share);
  for (const t of tensors) gpu.checkBufferSize(`sampler ${t.label}`, t.size * 4);
  const own = await gpu.createBuffers(
    tensors.map((t) => ({ label: `sampler ${t.label}`, bytes: t.size * 4 })),
  );
  let staging: Staging | undefined;
  try {
    const fixed = new Map([...unet.fixed, ...tensors.map((t, i): [Tensor, GPUBuffer] => [t, own[i]])]);
    const buffer = (t: Tensor) => fixed.get(t)!;
    gpu.device.queue.writeBuffer(buffer(state), STATE.count * 4, Uint32Array.of(count));
    staging = await Staging.create(gpu, 'sampler images', 2 * count * elements * 4);
    const compile = (label: string, ops: readonly Op[]) => Program.compile(gpu, label, ops, fixed);
    const [makeMade, madeOf] = flow ? [velocity, batch] : [prediction, seen];
    const programs = await Program.compileAll([
      compile('load noise', load('noise', flow ? noise : x)),
      compile('sampling step', [...told, ...each, move]),
      compile('x to images', toImages('x', x, seen, images)),
      compile('what was made to images', toImages('made', makeMade, madeOf, madeImages)),
      compile('pictures', finish),
      ...(flow
        ? [
            compile('known pixels', [known]),
            compile('load start', load('start', start)),
            compile('load mask', load('mask', mask)),
          ]
        : []),
      ...(once.length > 0 ? [compile('kernels for sampling', once)] : []),
    ]);
    const [loadNoise, passProgram, xToImages, madeToImages, finishProgram] = programs;
    const rest = programs.slice(5);
    const [knownProgram, loadStart, loadMask] = flow ? rest.splice(0, 3) : [];
    return {
      seen,
      batch,
      load: { noise: loadNoise, start: loadStart, mask: loadMask },
      images: buffer(images),
      noise: (seed) =>
        op(
          flow ? gaussianNoise : uniformNoise,
          'noise',
          { ...shape, batch, count, seed },
          { output: flow ? noise : x },
        ),
      known: knownProgram,
      prepare: rest,
      pass: passProgram,
      outputs: {
        x: { images, toImages: xToImages },
        made: { images: madeImages, toImages: madeToImages },
      },
      finish: finishProgram,
      step: buffer(step),
      ...(flow ? {} : { share: buffer(share) }),
      rows: buffer(rows),
      classes: buffer(classes),
      staging,
      fixed,
      ops: [...load('x', flow ? noise : x), ...(flow ? [known] : []), ...told, ...pass, move, ...finish],
      programs,
      own,
    };
  } catch (error) {
    staging?.destroy();
    for (const b of own) b.destroy();
    throw error;
  }
}

export function destroyPlan({ programs, own, staging }: SamplingPlan): void {
  for (const program of programs) program.destroy();
  for (const b of own) b.destroy();
  staging.destroy();
}
