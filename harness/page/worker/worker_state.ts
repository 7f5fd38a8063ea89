/** The state of the page's training worker: the page's settings, its images, and networks to sample from. */

import {
  type Engine,
  EngineError,
  type ImageSet,
  type Recipe,
  recipes,
  type UNet,
  type UNetConfig,
} from '../../../src';
import type { Abortable } from '../../../src/base/abort';
import { defined } from '../../../src/base/errors';
import { once } from '../../../src/base/load';
import { stepIn } from '../../../src/keeping/slots';
import { loadPretrained, type PretrainedName, pretrainedNames } from '../../../src/pretrained/pretrained';
import { recipeSampling, samplingFor } from '../../../src/recipes';
import type { Sampling } from '../../../src/unet/sampling';
import type { Model } from '../../../src/weights/model';
import type { RunSettings } from '../../../src/weights/run_fields';
import { createNetwork, type NewRun, type Trained } from '../../../src/worker/run';
import type { Session, TurnContext } from '../../../src/worker/session';
import { isEnded, type TurnKind } from '../../../src/worker/turns';
import { countClasses } from '../../pictures/class_names';
import { imagesFrom, split } from '../../pictures/hold_out';
import { fitted, whyUnfit } from '../../run/beginning';
import { chooseEnlarge } from '../../run/enlarging';
import { checkSides, networkFor } from '../../run/network';
import { ownSampling, trainerFor } from '../../run/plan';
import { whole } from '../../text/units';
import { chosenBeginning, plannedRate, trainerOptions } from '../messages/fine_tune';
import type { DataDescription, Order, PageMessage, Patch } from '../messages/messages';
import type { Network } from '../messages/order';
import { INSTANT, pretrainedFor } from '../messages/pretrained';
import { type Beginning, countHeldOut, type Settings } from '../messages/settings';
import { TrainingClock } from './clocks';
import { Planning } from './planning';

export type Post = (message: PageMessage, transfer?: Transferable[]) => void;

/** What work resolves to; undefined if its turn was ended. */
export const unlessEnded = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error) => {
    if (!isEnded(error)) throw error;
    return undefined;
  });

/** The pretrained networks, each loaded once. */
export const pretrained = Object.fromEntries(
  pretrainedNames.map((name) => [name, once(() => loadPretrained(name))]),
) as Readonly<Record<PretrainedName, () => Promise<Model>>>;

export class WorkerState {
  readonly session: Session;
  readonly post: Post;
  readonly planning = new Planning(this);
  readonly clock = new TrainingClock();
  settings!: Settings;
  images: ImageSet | undefined;
  /** What the page knows of the images. */
  data: DataDescription | undefined;
  /** The source of the images, as the command line calls it. */
  source = '';
  /** Settings at the start of the run. Of later changes on the page, only learning rate and epochs apply. */
  begun: Settings | undefined;
  untrained: UNet | undefined;
  /** Loads the digits that come with the page, for what needs images and has none. */
  loadDigits!: () => Promise<void>;

  constructor(session: Session, post: Post) {
    this.session = session;
    this.post = post;
  }

  patch(patch: Patch, transfer?: Transferable[]): void {
    this.post({ type: 'patch', patch }, transfer);
  }

  /** The settings of the run, or of the one that would begin now. */
  get current(): Settings {
    return this.session.run && this.begun ? this.begun : this.settings;
  }

  get objective() {
    return this.session.run?.objective ?? recipes[this.settings.recipe].trainer.objective;
  }

  get step(): number {
    return this.session.run?.losses.length ?? 0;
  }

  /** The run's network, else the untrained one. */
  get unet(): UNet | undefined {
    return this.session.run?.unet ?? this.untrained;
  }

  /** A run with the page's settings. Throws if there are no images. */
  async newRun(): Promise<NewRun> {
    const { settings } = this;
    const { train: images } = this.splitImages(settings);
    const { began, network, sampling } = await this.beginning();
    this.freeUntrained();
    const { dropLast }: Recipe['fit'] = recipes[settings.recipe].fit;
    // Learning rate and epochs may have changed meanwhile.
    const { lr: chosen, epochs } = this.settings;
    const rate = plannedRate({ recipe: settings.recipe, lr: chosen }, began);
    const plan = this.planning.begin(images.count, dropLast, rate);
    const lr = plan ? rate : chosen;
    this.begun = { ...settings, ...(plan ? { batch: plan.batch } : {}) };
    const trainer = trainerOptions({ ...this.begun, begin: began });
    const saved = this.savedSettings({ ...this.begun, lr, epochs: plan?.epochs ?? epochs });
    this.tellBegun(sampling, began);
    return {
      network,
      images,
      sampling,
      trainer: plan ? trainerFor(trainer) : trainer,
      settings: { ...saved, dropLast },
    };
  }

  /** Tells the page what is known of a run before it is built. `sampling`: its network's; `begin`: its initial weights, if it begins. */
  tellBegun(sampling: Sampling, begin?: Beginning): void {
    const held = this.splitImages(this.begun!).held?.count ?? 0;
    this.patch({ begun: { held, begin, sampling } });
  }

  /** Training images and held-out images of a run with these settings. */
  splitImages(settings: Pick<Settings, 'recipe' | 'limit' | 'holdout'>) {
    return splitImages(this.images, settings);
  }

  /** The run's training images; the digits if there are none yet. */
  async trainingImages(): Promise<ImageSet> {
    if (!this.images) await this.loadDigits();
    return this.splitImages(this.current).train;
  }

  /** The settings that a checkpoint of a run with these settings contains. */
  savedSettings(settings: Settings): RunSettings {
    const { seed, batch: batchSize, lr: learningRate, epochs } = settings;
    const { train, held } = this.splitImages(settings);
    const count = train.count + (held?.count ?? 0);
    const limit = count < this.images!.count ? count : undefined;
    const own = { source: this.source, limit, holdout: held?.count, enlarge: this.enlargeOf(settings) };
    return defined({ seed, batchSize, learningRate, epochs, ...own });
  }

  /** How the finished images of a run with these settings are shown, as its checkpoints have it. */
  enlargeOf({ recipe, enlarge }: Settings): RunSettings['enlarge'] {
    return chooseEnlarge({ recipe, ...this.images! }, enlarge, this.data?.shrunk);
  }

  async networkFrom(source: Order['source']): Promise<Network> {
    const { session } = this;
    const engine = await session.device();
    if (source === 'file') return (await session.samplers.network('model', engine))!;
    if (source === 'instant') return this.pretrained(INSTANT.name);
    if (source === 'pretrained') return this.pretrained(pretrainedFor(this.current.recipe));
    const unet = session.run ? await session.run.network(engine) : await this.newNetwork(engine);
    return { unet, objective: this.objective };
  }

  async pretrained(name: PretrainedName): Promise<Network> {
    const { session } = this;
    const engine = await session.device();
    const { samplers } = session;
    return (await samplers.network(name, engine)) ?? samplers.load(name, await pretrained[name](), engine);
  }

  freeUntrained(): void {
    if (this.untrained) this.session.samplers.free(this.untrained);
    this.untrained = undefined;
  }

  /** Does what the page asks for in a turn. What takes the time of training is not counted as such. */
  turn<T>(kind: TurnKind, work: (context: TurnContext) => Promise<T>, options?: Abortable): Promise<T> {
    return this.session.turn(
      kind,
      async (context) => {
        this.clock.stop(performance.now());
        try {
          return await work(context);
        } finally {
          if (this.session.stretch?.goesOn) this.clock.start(performance.now());
        }
      },
      options,
    );
  }

  report(error: unknown, at: 'start' | 'data' | 'task'): void {
    // A device that is lost before there is an engine has no event of its own.
    if (at !== 'start' && this.session.isReported(error)) return;
    const code = error instanceof EngineError ? error.code : 'unexpected';
    if (code === 'unexpected') console.error(error);
    const message = error instanceof Error ? error.message : String(error);
    if (code === 'diverged') {
      const copy = this.session.run?.before ?? this.session.run?.checkpoint;
      const back = copy && stepIn(copy);
      this.post({ type: 'problem', at, code, message: divergedMessage(message, back), back });
    } else this.post({ type: 'problem', at, code, message });
  }

  private async newNetwork(engine: Engine): Promise<UNet> {
    this.freeUntrained();
    const { seed, recipe } = this.settings;
    const { network, sampling } = await this.beginning();
    const { trainer } = recipes[recipe];
    const unet = await createNetwork(engine, { network, trainer }, { seed, sampling });
    const destroy = () => {
      unet.destroy();
      this.untrained = undefined;
    };
    await this.session.use('untrained', unet, async () => ({ unet, destroy }));
    this.untrained = unet;
    return unet;
  }

  /** The initial network of a run that begins so: a configuration, or trained weights. */
  async initialNetwork(began: Beginning): Promise<UNetConfig | Trained> {
    const { recipe } = this.current;
    const config = configFor(this.current, this.images);
    if (began !== 'pretrained') return config;
    const misfit = whyUnfit(recipe, config);
    if (misfit) throw new EngineError('data', misfit);
    return fitted(recipe, await pretrained[recipe](), config);
  }

  /**
   * What a run with the page's settings begins with. The sampling is the recipe's for a network of it, for the user's own pictures with a
   * polish; another network's own, or the usual one.
   */
  private async beginning() {
    const { recipe } = this.settings;
    const began = chosenBeginning(this.settings, this.data);
    const network = await this.initialNetwork(began);
    const { objective } = recipes[recipe].trainer;
    const model: Omit<Trained, 'parameters'> = 'config' in network ? network : { config: network, objective };
    // A network of digits that learns a few drawings stays one of digits.
    const isOfTheirs = this.data?.builtIn === false && (began === 'new' || recipe === 'pictures');
    const sampling = (isOfTheirs ? ownSampling : recipeSampling)(recipe, model.config) ?? samplingFor(model);
    return { began, network, sampling };
  }
}

/** The page's message about a run that diverged: retrying the rejected step fails again; only an earlier checkpoint helps. */
function divergedMessage(message: string, back: number | undefined): string {
  const remedy =
    back === undefined
      ? 'Reset the run, lower the learning rate, and begin again.'
      : `If it trains on from here, the same happens again. Go back to its copy of step ${whole(back)} with a smaller learning rate, or reset it. You can save its last good state below.`;
  return `${message} ${remedy}`;
}

/** The first `limit` of the images (0 means all): those to train on, and the last ones, which are held out. */
export function splitImages(
  all: ImageSet | undefined,
  { limit, ...rest }: Pick<Settings, 'recipe' | 'limit' | 'holdout'>,
): ReturnType<typeof split> {
  if (!all)
    throw new EngineError('data', 'There are no images to train on: choose IDX files, or reload the page.');
  const count = limit > 0 ? Math.min(limit, all.count) : all.count;
  const held = countHeldOut(rest, count);
  if (held >= count) {
    throw new EngineError(
      'argument',
      `${held} images cannot be held out, as there are ${count}: hold out fewer, so that some are left to train on.`,
    );
  }
  return split(imagesFrom(all, 0, count), held);
}

/** The network of a recipe, for these images; without any, for digits. Without labels, a flow is trained without classes. */
function configFor({ recipe, widths }: Settings, images: ImageSet | undefined): UNetConfig {
  const config = networkFor({ recipe, widths }, images && { ...images, classes: countClasses(images) ?? 0 });
  checkSides(recipe, config);
  return config;
}

/** Throws if the network is conditioned on classes and the images have no labels. */
export function checkHasLabels({ labels }: ImageSet, { conditioning }: UNetConfig): void {
  if (!conditioning?.classes || labels) return;
  throw new EngineError(
    'data',
    `The network has ${conditioning.classes} classes, and these images have no labels. Choose the images that it was trained on, with their labels.`,
  );
}
