import { copyArray, isFloats } from '../base/arrays';
import {
  argumentError,
  checkInteger,
  checkNames,
  checkSeed,
  type Names,
  notImages,
  type Optional,
  wrongArgument,
} from '../base/errors';
import { loaded } from '../base/load';
import { createMutex } from '../base/mutex';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { isPictures } from '../pictures/is_pictures';
import type { Picture } from '../pictures/picture';
import { padBatch } from '../plan/tensor';
import { defaultChooser, makeVerified } from './chooser';
import { checkConfig, countOutChannels, type Parameter, type UNetConfig } from './config';
import { NetworkWeights } from './network';
import { Predictor } from './predictor';
import { checkSampling, type Sampling } from './sampling';
import type { VariantChooser } from './variants';
import { initialParameters } from './weights';

/** Most images per forward pass of `predict`; it runs more images in turns. */
const PREDICT_BATCH = 64;

/** Options of `createUNet`. */
export interface UNetOptions {
  /** Fixes the first weights, 0 to 2^32 - 1. Default 0. */
  readonly seed?: number | undefined;
  /** Defaults of sampling runs, `model.sampling` for instance. */
  readonly sampling?: Sampling | undefined;
  /** The fingerprint of a distilled network's teacher, `model.teacher`. */
  readonly teacher?: string | undefined;
}

/** The sampling defaults of a network, and its teacher. */
type Origin = Pick<UNetOptions, 'sampling' | 'teacher'>;

/** The conditions of a conditioned network, one of each for each image. */
export interface Conditions {
  /** Noise levels, 0 to 1. */
  readonly levels?: Float32Array | undefined;
  /** Classes, 0 to `classes` - 1, or `classes` for no class. */
  readonly labels?: ArrayLike<number> | undefined;
}

/** Options of `predict`. */
export interface PredictOptions extends Conditions {
  /** Number of images. Default: as many as `images` holds. */
  readonly count?: number | undefined;
}

/** A network: its weights on the GPU, with a forward pass. Created by `engine.createUNet`. */
export class UNet extends Resource {
  /** The configuration that it was created with, with all defaults filled in. */
  readonly config: UNetConfig;
  /** Name, shape and offset of each parameter tensor, in forward order. */
  readonly parameters: readonly Parameter[];
  /** Number of trainable parameters. */
  readonly parameterCount: number;
  /** @internal */
  readonly weights: NetworkWeights;
  private readonly gpu: Gpu;
  private origin: Origin;
  private readonly chooser: VariantChooser;
  private predictor: Predictor | undefined;
  /** All calls of `predict` share one predictor. */
  private readonly exclusively = createMutex();

  private constructor(gpu: Gpu, weights: NetworkWeights, chooser: VariantChooser, origin: Origin) {
    super('UNet');
    this.gpu = gpu;
    this.weights = weights;
    this.config = weights.config;
    this.parameters = weights.parameters;
    this.parameterCount = weights.parameterCount;
    this.chooser = chooser;
    this.origin = origin;
  }

  /**
   * Defaults of sampling runs, as given to `createUNet`. After `createTrainer`, undefined for a distilled network.
   */
  get sampling(): Sampling | undefined {
    return this.origin.sampling;
  }

  /** The fingerprint of the weights that a distilled network was distilled from. */
  get teacher(): string | undefined {
    return this.origin.teacher;
  }

  /** Marks a distilled network as not distilled, when it is trained further. @internal */
  forgetTeacher(): void {
    this.origin = {};
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    partial: Optional<UNetConfig> = {},
    options: UNetOptions = {},
    chooser = defaultChooser(gpu),
  ): Promise<UNet> {
    const names = { seed: true, sampling: true, teacher: true } as const;
    checkNames('createUNet', options, names satisfies Names<UNetOptions>);
    const { seed = 0, teacher } = options;
    checkSeed(seed);
    const sampling = options.sampling && checkSampling(options.sampling, wrongArgument);
    const weights = await NetworkWeights.create(gpu, checkConfig(partial));
    try {
      await weights.setParameters(initialParameters(weights.parameters, seed));
      return new UNet(gpu, weights, chooser, { sampling, teacher });
    } catch (error) {
      weights.destroy();
      throw error;
    }
  }

  /**
   * Replaces all parameters; kernels in HWIO order. Throws an `argument` error that lists unknown, missing, misshapen and non-finite
   * parameters; then nothing changes.
   */
  setParameters(values: ReadonlyMap<string, ArrayLike<number>>): Promise<void> {
    return this.weights.setParameters(values);
  }

  /**
   * Takes the parameters of a network that may know other classes, such as `model.parameters` of a pretrained one, to train it further.
   * Replaces all but the table of classes, [classes + 1][64], where that is missing or of another length: it stays as it is, after
   * `createUNet` as the seed made it. Resolves to the names that it left: `['conditioning.hidden.classes']`, or none.
   *
   * @param values by name, kernels in HWIO order
   * @throws EngineError `argument`, which lists any other difference, unknown, missing, misshapen and non-finite parameters; `busy` in the
   * middle of a trainer's step, fit or evaluation; then nothing changes
   */
  async takeParameters(values: ReadonlyMap<string, ArrayLike<number>>): Promise<string[]> {
    this.check();
    const { takeParameters } = await loaded(import('./take_parameters'));
    return takeParameters(this.weights, values);
  }

  /**
   * A copy of all parameters by name, such as `down.0.kernel`, flat: kernels [height][width][in][out], biases [out]. `parameters` has the
   * shapes.
   */
  getParameters(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    return this.weights.getParameters();
  }

  /**
   * The parameters on the GPU, f32: each of `parameters` has `size` floats, the first at `offset` floats. Usages STORAGE, COPY_SRC and
   * COPY_DST. After writing to it, record `encodePack`. The buffer lives as long as the network.
   */
  get parameterBuffer(): GPUBuffer {
    return this.weights.parameterBuffer;
  }

  /** Records the kernels' copies of the weights, after the caller's shader has written `parameterBuffer`. */
  encodePack(encoder: GPUCommandEncoder): void {
    this.weights.encodePack(encoder);
  }

  /** Layers, output shapes and parameters as a table, as Keras prints a model. */
  describe(): string {
    return this.weights.describe();
  }

  /**
   * Runs a forward pass over images: `images` is [count][height][width][channels], and so is the result, with the network's output
   * channels. Pictures become values from 0 to 1, or from -1 to 1 for a network conditioned on noise levels. A conditioned network takes the
   * noise `levels` and the class `labels` of the images. Arrays are copied at once, pictures read as soon as the code for it is loaded.
   * Concurrent calls run one after the other. Throws `argument` for another number of values, and for missing or unexpected conditions.
   */
  async predict(
    images: Float32Array | Picture | readonly Picture[],
    options: PredictOptions = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    this.check();
    checkNames('predict', options, PREDICT);
    const { count = countOf(images, this.config) } = options;
    const levels = copyArray(options.levels);
    const labels = copyArray(options.labels);
    const values = isFloats(images) ? copyArray(images) : await this.valuesOf(copyArray(images), count);
    checkInteger('count', count, 1);
    const { height, width, channels } = this.config;
    const size = height * width * channels;
    const resultSize = height * width * countOutChannels(this.config);
    if (values.length !== count * size) {
      throw argumentError(
        `predict was given ${values.length} values; ${count} images of ${height}x${width}x${channels} are ${count * size}.`,
      );
    }
    this.weights.checkConditions({ levels, labels });
    if (levels !== undefined || labels !== undefined) {
      const { checkLevels, checkLabels } = await loaded(import('./conditions'));
      this.check();
      if (levels !== undefined) checkLevels(levels, count);
      if (labels !== undefined) checkLabels(labels, this.config.conditioning!.classes, count);
    }
    const classes = labels && Uint32Array.from(labels);
    const prediction = this.exclusively(async () => {
      this.check();
      const predictor = await this.predictorFor(count);
      const output = new Float32Array(count * resultSize);
      let before: Promise<void> | undefined;
      try {
        for (let done = 0; done < count; done += predictor.count) {
          this.check();
          const end = Math.min(done + predictor.count, count);
          const part = values.subarray(done * size, end * size);
          const previous = before;
          before = predictor
            .run(part, { levels: levels?.subarray(done, end), labels: classes?.subarray(done, end) })
            .then((values) => output.set(values, done * resultSize));
          before.catch(() => {}); // awaited after the next one is submitted
          await previous;
        }
        await before;
      } finally {
        await Promise.allSettled([before]);
      }
      return output;
    });
    return this.unlessDestroyed(prediction);
  }

  private async valuesOf(given: Picture | readonly Picture[], count: number) {
    if (!isPictures(given)) throw notImages('images', given, ', or pictures');
    const { picturesFor } = await loaded(import('../pictures/picture'));
    this.check();
    const range = this.config.conditioning?.noiseLevel ? ([-1, 1] as const) : ([0, 1] as const);
    return picturesFor('images', given, this.config, { count, range });
  }

  private async predictorFor(count: number): Promise<Predictor> {
    const most = Math.min(padBatch(count), PREDICT_BATCH);
    if (this.predictor && this.predictor.count >= most) return this.predictor;
    const { gpu, chooser, weights } = this;
    const make = () => Predictor.create(gpu, weights, { count: most }, chooser);
    const predictor = await makeVerified({ gpu, chooser, network: weights, count: most }, make);
    this.predictor?.destroy();
    this.predictor = predictor;
    if (this.destroyed) predictor.destroy();
    return predictor;
  }

  /** Bytes of GPU memory that the network holds; 0 once it is destroyed. */
  get bytes(): number {
    return this.weights.bytes + (this.predictor?.bytes ?? 0);
  }

  /** @internal */
  override check(): void {
    this.weights.check();
  }

  protected release(): void {
    this.predictor?.destroy();
    this.weights.destroy();
  }
}

const PREDICT: Names<PredictOptions> = { count: true, levels: true, labels: true };

/** The default number of images. */
const countOf = (given: unknown, { height, width, channels }: UNetConfig): number => {
  if (isFloats(given)) return given.length / (height * width * channels);
  return Array.isArray(given) ? given.length : 1;
};
