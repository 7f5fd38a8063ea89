/** The Inside view's part of the training worker: looks at a network while the training rests. */
import {
  type Engine,
  EngineError,
  type ImageSet,
  type Predictor,
  type Recipe,
  recipeAt,
  type Trainer,
  type UNet,
} from '../../../src';
import type { Op } from '../../../src/plan/op';
import { padBatch } from '../../../src/plan/tensor';
import { toTrainerConfig } from '../../../src/training/options';
import { type Layer, listLayers } from '../../../src/unet/config';
import { adapterKind, defaultVariants } from '../../../src/unet/variants';
import type { Session } from '../../../src/worker';
import { addNoise, type Noisy } from '../../pictures/noise';
import { greys, toBytes } from '../../pictures/pictures';
import type { StepToList } from '../../run/step_list';
import type {
  Arithmetic,
  InsideAnswer,
  InsideLayer,
  InsideOrder,
  LookChoice,
  Maps,
  NumberOf,
} from '../messages/inside_messages';
import type { Network } from '../messages/order';
import { type NetworkSource, nearestRecipe, type Settings } from '../messages/settings';
import { choiceAt, exampleImages, makeConditions } from './choices';
import type { WorkerState } from './worker_state';

/** Images of the step in slow motion: enough for a gradient that means something, few enough for any adapter. */
const STEP_IMAGES = 16;

/** The session's engine, network, images and settings at the time of a request. */
interface Surroundings {
  readonly engine: Engine;
  readonly network: Network;
  readonly images: ImageSet;
  /** The run's, if the network is the run's. */
  readonly trainer: Trainer | undefined;
  readonly settings: Settings;
}

/** Answers an order, unless `signal` aborts. */
export async function answerInside(
  order: InsideOrder,
  engine: Engine,
  state: WorkerState,
  signal: AbortSignal,
): Promise<InsideAnswer> {
  try {
    const source = 'source' in order ? order.source : order.picture.source;
    const network = await state.networkFrom(source);
    const trainer = source === 'run' ? state.session.run?.trainer : undefined;
    const images = await state.trainingImages();
    const about = { engine, network, images, trainer, settings: state.current };
    if (order.kind === 'list') return await listDispatches(order.source, about);
    if (order.kind === 'time') return await timeLayers(about, state, signal);
    if (order.kind === 'look') return await look(order, about, state.session);
    return await step(order.picture, about);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof EngineError)) console.error(error);
    return { kind: 'failed', order: order.kind, message: (error as Error).message };
  }
}

async function timeLayers(
  about: Surroundings,
  state: WorkerState,
  signal: AbortSignal,
): Promise<InsideAnswer> {
  const [{ listStages }, { Timer, withOp }] = await Promise.all([
    import('../../run/step_list'),
    import('../../bench/timer'),
  ]);
  const { gpu } = about.engine;
  const ops = Object.values(listStages(stepOf(about))).flat();
  const [heaviest] = ops.toSorted((a, b) => b.cost.flops - a.cost.flops);
  const timer = await withOp(gpu, heaviest, (encode) => Timer.create(gpu, encode));
  try {
    for (const [index, op] of ops.entries()) {
      signal.throwIfAborted();
      const { median } = await withOp(gpu, op, (encode) => timer.measure(encode, { signal }));
      state.patch({ timed: { index, ms: median } });
    }
    return { kind: 'timedAll', clock: timer.kind };
  } finally {
    timer.destroy();
  }
}

async function look(
  { picture, layer }: Extract<InsideOrder, { kind: 'look' }>,
  about: Surroundings,
  session: Session,
): Promise<InsideAnswer> {
  const { engine, network, trainer } = about;
  const { unet, objective } = network;
  const { height, width, channels, conditioning } = unet.config;
  const choices = exampleImages(about.images, unet.config);
  const noised = noise(about, choiceAt(choices, picture.choice).clean, picture.level);
  const { predictor } = await session.use('inside', unet, async () => {
    const predictor = await engine.createPredictor(unet, { count: 1, reuseMemory: false });
    return { unet, predictor, destroy: () => predictor.destroy() };
  });
  const { levels, labels } = makeConditions(unet, Float32Array.of(picture.level), [picture.label]);
  const output = await predictor.run(noised.input, { levels, labels: labels && Uint32Array.from(labels) });
  const [activations, preActivations, parameters, gradients, input] = await Promise.all([
    readAll(predictor, 'activation'),
    readAll(predictor, 'preActivation'),
    unet.getParameters(),
    trainer?.getGradients(),
    layer === undefined ? undefined : predictor.maps.read(layer, 'input'),
  ]);
  const layers = layersIn(unet);
  /** What this convolution computed with. */
  const arithmeticOf = (name: string, input: Float32Array): Arithmetic => {
    const { imageBias: first, outChannels } = unet.weights.plan.layers.find((layer) => layer.name === name)!;
    const all = preActivations['conditioning.output'];
    const imageBias = first === undefined ? undefined : all.slice(first, first + outChannels);
    // The convolution's: pooling and activation are ops of their own, or a part of it.
    const isConvolution = (op: Op) => op.layer === name && op.kernel.startsWith('conv2d');
    const { kernel, variant } = predictor.ops.find(isConvolution)!;
    return {
      layer: name,
      input,
      imageBias,
      form: { kernel, variant },
      kernel: parameters.get(`${name}.kernel`)!,
      bias: parameters.get(`${name}.bias`)!,
    };
  };
  return {
    kind: 'looked',
    picture,
    objective,
    layers,
    height,
    width,
    channels,
    classes: conditioning?.classes ?? 0,
    choices: toBytes(choices.flatMap(({ clean }) => [...clean])),
    labels: choices.map(({ label }) => label),
    noisy: toBytes(noised.shown),
    prediction: toBytes(noised.behind(output)),
    activations,
    preActivations,
    kernels: parameters.get(firstKernel(layers))!,
    arithmetic: input && arithmeticOf(layer!, input),
    gradientNorms: gradients && (knownNorms(gradients) ?? {}),
  };
}

/** Trains a copy of the network for one step, and discards the copy. */
async function step(picture: LookChoice, about: Surroundings): Promise<InsideAnswer> {
  const { engine, network, images, settings } = about;
  const { unet } = network;
  const before = await unet.getParameters();
  using copy = await engine.createUNet(unet.config);
  await copy.setParameters(before);
  const count = Math.min(STEP_IMAGES, images.count);
  using trainer = await engine.createTrainer(copy, {
    ...trainingOf(about),
    batchSize: count,
    learningRate: settings.lr,
    schedule: 'constant',
    average: undefined,
    reuseMemory: false,
  });
  const { first, levels, labels, ...batch } = batchOf(picture, about, count);
  const loss = await trainer.step({ ...batch, ...makeConditions(unet, levels, labels) });
  const [activations, gradients, ofWeights, after] = await Promise.all([
    readAll(trainer, 'activation'),
    readAll(trainer, 'gradient'),
    trainer.getGradients(),
    copy.getParameters(),
  ]);
  const layers = layersIn(unet);
  const kernel = firstKernel(layers);
  return {
    kind: 'stepped',
    picture,
    images: count,
    loss,
    learningRate: settings.lr,
    norm: Math.hypot(...Object.values(normsOf(ofWeights))),
    clipNorm: trainer.config.clipNorm,
    clean: toBytes(first.clean),
    noisy: toBytes(first.noised.shown),
    output: activations[layers[layers.length - 1].name],
    target: first.noised.target,
    activations,
    gradients,
    gradientNorms: normsOf(ofWeights),
    changes: changesOf(before, after),
    kernels: { before: before.get(kernel)!, after: after.get(kernel)! },
  };
}

/** A small batch: the picture, and the data set's first images with levels of noise that are spread evenly. */
function batchOf(picture: LookChoice, about: Surroundings, count: number) {
  const { images, network } = about;
  const chosen = choiceAt(exampleImages(images, network.unet.config), picture.choice);
  const all = greys(images, count).values;
  const size = all.length / count;
  const levels = Float32Array.from({ length: count }, (_, n) => (n === 0 ? picture.level : n / count));
  const labels = Array.from(levels, (_, n) => (n === 0 ? picture.label : images.labels?.[n]));
  const cleans = Array.from(levels, (_, n) =>
    n === 0 ? chosen.clean : all.subarray(n * size, (n + 1) * size),
  );
  const noised = cleans.map((clean, n) => noise(about, clean, levels[n], n));
  const together = (key: 'input' | 'target') => Float32Array.from(noised.flatMap((each) => [...each[key]]));
  const first = { clean: chosen.clean, noised: noised[0] };
  return { noisy: together('input'), target: together('target'), levels, labels, first };
}

function noise({ network, settings }: Surroundings, clean: Float32Array, level: number, index = 0): Noisy {
  return addNoise(network.objective, clean, level, { seed: settings.seed, index });
}

const trainingOf = ({ network, settings }: Surroundings): Recipe['trainer'] =>
  recipeAt(nearestRecipe({ objective: network.objective, config: network.unet.config }), settings.batch)
    .trainer;

/** The training step to list: the run's, or else one with the usual kernels. */
function stepOf(about: Surroundings): StepToList {
  const { engine, network, images, trainer, settings } = about;
  const { config } = network.unet;
  const { batch } = settings;
  const { device, adapter } = engine;
  const usual = () => defaultVariants(listLayers(config), padBatch(batch), device, adapterKind(adapter));
  return {
    config,
    batch,
    images: images.count,
    variants: trainer?.variants ?? usual(),
    training: trainer?.config ?? toTrainerConfig(trainingOf(about)),
  };
}

async function listDispatches(source: NetworkSource, about: Surroundings): Promise<InsideAnswer> {
  const { listStep } = await import('../../run/step_list');
  const step = stepOf(about);
  return {
    kind: 'listed',
    source,
    batch: step.batch,
    ofRun: about.trainer !== undefined,
    step,
    ops: listStep(step),
  };
}

/** Reads one kind of map of every layer, for the first image. */
async function readAll(
  { maps }: Pick<Predictor | Trainer, 'maps'>,
  kind: 'activation' | 'preActivation' | 'gradient',
): Promise<Maps> {
  const entries = maps.layers.map(async ({ name, shape: [_, height, width, channels] }) => {
    const all = await maps.read(name, kind);
    return [name, all.slice(0, height * width * channels)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

function layersIn({ weights: { plan }, parameters }: UNet): InsideLayer[] {
  const of = (layer: Layer, isConditioning: boolean): InsideLayer => {
    const own = parameters.filter((p) => p.name.startsWith(`${layer.name}.`));
    return { ...layer, isConditioning, parameters: own.reduce((sum, { size }) => sum + size, 0) };
  };
  const { hidden, output } = plan.conditioning?.layers ?? {};
  return [
    ...(hidden && output ? [hidden, output].map((layer) => of(layer, true)) : []),
    ...plan.layers.map((layer) => of(layer, false)),
  ];
}

const firstKernel = (layers: readonly InsideLayer[]) =>
  `${layers.find(({ isConditioning }) => !isConditioning)!.name}.kernel`;

/** `down.1.kernel` is of the layer `down.1`. */
const layerOf = (parameter: string) => parameter.slice(0, parameter.lastIndexOf('.'));

function normsOf(values: ReadonlyMap<string, Float32Array>): NumberOf {
  const squares: Record<string, number> = {};
  for (const [name, array] of values)
    squares[layerOf(name)] = array.reduce((sum, v) => sum + v * v, squares[layerOf(name)] ?? 0);
  return Object.fromEntries(Object.entries(squares).map(([name, sum]) => [name, Math.sqrt(sum)]));
}

/** The norms of a run's gradients; undefined if they are not known: before its first step here, all are 0. */
export function knownNorms(gradients: ReadonlyMap<string, Float32Array>): NumberOf | undefined {
  const norms = normsOf(gradients);
  return Object.values(norms).some((norm) => norm > 0) ? norms : undefined;
}

function changesOf(
  before: ReadonlyMap<string, Float32Array>,
  after: ReadonlyMap<string, Float32Array>,
): NumberOf {
  const moved = new Map(
    [...before].map(([name, values]) => [name, values.map((v, i) => after.get(name)![i] - v)]),
  );
  const norms = normsOf(before);
  return Object.fromEntries(
    Object.entries(normsOf(moved)).map(([name, norm]) => [name, norms[name] > 0 ? norm / norms[name] : 0]),
  );
}
