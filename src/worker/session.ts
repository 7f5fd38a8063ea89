/**
 * A training session: one engine, at most one run, and one thing at a time. It yields the steps of the run, keeps copies, and goes on from
 * the last one when the device was lost. What happens between two steps is the business of its owner's loop.
 */
import type { Abortable } from '../base/abort';
import type { ByteContainer } from '../base/bytes';
import {
  argumentError,
  checkBooleans,
  checkFunctions,
  checkNames,
  checkObject,
  checkSignal,
  dataError,
  EngineError,
  type Names,
  show,
} from '../base/errors';
import { once } from '../base/load';
import { watch } from '../base/time';
import type { Engine } from '../engine';
import type { StoredRun } from '../keeping/store';
import type { Sampler } from '../sampling/sampler';
import type { TrainingEvent } from '../training/options';
import type { Trainer } from '../training/trainer';
import type { UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import type { Model } from '../weights/model';
import { SessionCore } from './core';
import { transfer } from './remote';
import type { TrainingRun } from './run';
import { Stretch } from './stretch';
import { PAUSED, RANK, type TurnKind } from './turns';
import type {
  BeginOptions,
  ResumeOptions,
  RunChanges,
  RunDescription,
  RunState,
  SampleCallOptions,
  SampleOrder,
  Samples,
  SessionEvents,
  SessionOptions,
  TrainOrder,
} from './types';

/** The calls of a client. */
export const CALLS = [
  ...(['begin', 'resume', 'train', 'pause', 'sample', 'load', 'adjust', 'save'] as const),
  ...(['goBack', 'runs', 'discard', 'close'] as const),
];
/** The events that clients hear. */
export const EVENTS: Names<SessionEvents> = {
  lost: true,
  recovered: true,
  runs: true,
  stored: true,
  notStored: true,
  warning: true,
  progress: true,
  phase: true,
  stopped: true,
};

/** What the work of a turn gets. */
export interface TurnContext {
  /** Aborts when the turn is ended, or its caller's signal aborts. */
  readonly signal: AbortSignal;
  /** Another one after a device was lost. */
  readonly engine: Engine;
  /** The run's network, undefined without a run. The run destroys it. */
  readonly network: UNet | undefined;
  /** The run's trainer, undefined without a run on the device. */
  readonly trainer: Trainer | undefined;
}

const OPTIONS: Names<SessionOptions> = { images: true, store: true, engine: true };
const BEGIN: Names<BeginOptions> = {
  images: true,
  source: true,
  network: true,
  trainer: true,
  fit: true,
  sampling: true,
};
const RESUME: Names<ResumeOptions> = { from: true, images: true, sampling: true };
const CHANGES: Names<RunChanges> = { learningRate: true, epochs: true, maxSteps: true, schedule: true };
/** Seconds until the session ends in the middle of a turn: a step may take long. */
const END_SECONDS = 60;

/** A training session, as `createSession` makes it: for a worker, or a page that trains by itself. */
export class Session extends SessionCore {
  /** @internal */
  declare stretch: Stretch | undefined;
  private readonly ownImages = once(async () => {
    const { images } = this.options;
    if (images) return images();
    throw argumentError(
      'No images are given, and the worker has none of its own. Give images, or createSession({ images: () => … }).',
    );
  });

  // ---------------------------------------------------------------- runs

  /**
   * Creates a run: its network, its data and its trainer. Throws `busy` if there is a run (`close` ends it); else as `createUNet`,
   * `createDataset` and `createTrainer` do. A lost device is waited for.
   */
  async begin(options: BeginOptions, how: Abortable = {}): Promise<RunDescription> {
    checkObject('What begin is given', options, '{ images, fit: { epochs: 5 } }');
    checkNames('begin', options, BEGIN);
    const { checkTrainer, checkFit, checkConfig, defaultConfig, TrainingRun } = await this.parts();
    const { network: given = {}, trainer = {}, source, fit, sampling } = options;
    checkObject('fit', fit, '{ epochs: 5 }');
    checkObject('network', given, '{ height: 28, width: 28 }, or a model');
    // Missing fields of a configuration are the tutorial's.
    const network = 'parameters' in given ? given : checkConfig({ ...defaultConfig, ...given });
    const { batchSize, learningRate, settings } = checkTrainer(trainer);
    checkFit(fit, settings.objective, 'parameters' in network ? network.config : network);
    const { epochs, seed = 0, binarize, dropLast, maxSteps } = fit;
    const runSettings = { batchSize, learningRate, epochs, seed, binarize, dropLast, maxSteps, source };
    return this.open(async () => {
      const images = options.images ?? (await this.ownImages());
      return TrainingRun.begin({ network, trainer, images, settings: runSettings, sampling });
    }, how);
  }

  /**
   * Creates a run that continues a checkpoint. Throws as `begin` and `engine.resume` do, `data` for other images than the run's, and for a
   * stored run as `discard` does.
   */
  async resume(options: ResumeOptions, how: Abortable = {}): Promise<RunDescription> {
    checkObject('What resume is given', options, '{ from, images }');
    checkNames('resume', options, RESUME);
    const { loadCheckpoint, TrainingRun } = await this.parts();
    return this.goOn(
      options.from,
      async (bytes) => {
        const { settings } = loadCheckpoint(bytes);
        const images = options.images ?? (await this.ownImages());
        return TrainingRun.resume(bytes, { images, settings, sampling: options.sampling });
      },
      how,
    );
  }

  /** Opens the run that `make` makes of a checkpoint's bytes, or of a stored run's. @internal */
  async goOn(
    from: ByteContainer | string,
    make: (bytes: Uint8Array<ArrayBuffer>) => Promise<TrainingRun>,
    how: Abortable = {},
  ): Promise<RunDescription> {
    const { asBytes } = await this.parts();
    return this.open(async () => {
      if (typeof from === 'string') return make((await this.stored.take(from)).bytes);
      return make(asBytes(from, 'from', ', or the id of a stored run') as Uint8Array<ArrayBuffer>);
    }, how);
  }

  /**
   * Makes what `make` returns the session's run, and builds it on the device. If that fails, the session has no run. If the device is lost
   * meanwhile, or was lost before, waits for another; an abort and a pause end that. @internal
   */
  async open(
    make: () => Promise<TrainingRun>,
    { signal, kind = 'answer' }: Abortable & { readonly kind?: TurnKind } = {},
  ): Promise<RunDescription> {
    await this.parts();
    checkSignal(signal);
    signal?.throwIfAborted();
    const end = new AbortController();
    const either = AbortSignal.any([end.signal, ...(signal ? [signal] : [])]);
    let run: TrainingRun | undefined;
    const work = async () => {
      if (this.run && !run)
        throw new EngineError(
          'busy',
          'This worker has a run, which another would replace. Save its checkpoint to keep it, and close it.',
        );
      this.opening = end;
      run ??= this.run = await make();
      await this.build();
      signal?.throwIfAborted();
      this.opening = undefined;
      return run.describe(this.engine!.adapter);
    };
    try {
      return await this.during(kind, work, either);
    } catch (error) {
      const isOpening = this.opening === end;
      if (isOpening) this.opening = undefined;
      if (isOpening || (run && this.run === run)) await this.free();
      throw error;
    }
  }

  /**
   * Trains `steps` steps, or to the end of the run, and yields each as `trainer.fit` does. It begins at once, and ends with the reason of
   * `signal`, as a matter of course after `pause`, and in time where the loop is left; each resolves once the steps under way are made and a
   * copy is kept. At a `yield` the session has no turn: no step is submitted until the next is read. Steps that are made by then and not
   * read belong to the run. A step of which only a copy has word has NaN for rate and norm. A lost device is waited for, and steps since the
   * last copy come again. Throws `busy` while it trains, and `diverged` as `fit` does.
   */
  train(order: TrainOrder = {}): AsyncIterableIterator<TrainingEvent> {
    return new Stretch(this, order).iterate();
  }

  /** Ends training after the step under way, and the wait for a device. Resolves when training rests and a copy of the run is stored. */
  async pause(): Promise<RunState> {
    const { stretch } = this;
    this.opening?.abort(PAUSED);
    const rested = stretch?.pause();
    this.turns.pause();
    if ((stretch || this.opening) && this.turns.doing !== 'order') this.phase = 'pausing';
    await rested;
    const state = this.state();
    await this.stored?.settled();
    return state;
  }

  /** Goes back to the copy before the last one, after a divergence; `train` continues from there, with a smaller rate for instance. */
  async goBack(): Promise<RunState> {
    await this.parts();
    return this.turns.take('answer', async () => {
      await this.stretch?.rested;
      const run = this.needRun();
      if (!run.earlier) {
        throw argumentError(
          'There is nothing to go back to: the run has no earlier copy, and has not diverged since the last one.',
        );
      }
      this.freeRun();
      run.goBack();
      // What is kept is the run as it is now, also where it is closed before it trains on.
      if (this.stores) this.stored.save(run.checkpoint!, run.losses.length);
      return this.state();
    });
  }

  /**
   * Ends the run, and frees its memory. What waits for its turn is dropped. `keep`: whether the run stays in the browser's storage, from
   * where `resume` goes on with it; throws `data` if it is not stored there, and then the run stays. Default true; false deletes it.
   */
  async close({ keep = true }: { readonly keep?: boolean | undefined } = {}): Promise<void> {
    checkBooleans({ keep });
    const { stepIn } = await this.parts();
    this.stopAll(new DOMException('The run was closed.', 'AbortError'));
    let freed = Promise.resolve();
    await this.turns.take('answer', async () => {
      await this.stretch?.rested;
      const { run, stored } = this;
      if (keep && run) {
        if (run.trainer && run.losses.length > 0 && !run.diverged) await this.store();
        await stored.settled();
        if (stored.step < (run.checkpoint ? stepIn(run.checkpoint) : 0)) {
          throw dataError(
            'This browser does not keep the run, so it stays: save its checkpoint, and close it with { keep: false }.',
          );
        }
      }
      freed = this.free(!keep);
    });
    // What comes next does not wait for the storage.
    await freed;
  }

  /**
   * Changes rate, schedule and end of the run, from the next submission on; its copies have the present ones. Throws `argument`, and changes
   * nothing, for a value that is not legal.
   */
  adjust(changes: RunChanges): void {
    checkObject('What adjust is given', changes, '{ learningRate: 0.001 }');
    checkNames('adjust', changes, CHANGES);
    this.needRun().adjust(changes);
  }

  // ---------------------------------------------------------------- networks and files

  /** Loads a trained network, or its file, to sample from, in place of the one before. Resolves to its configuration. */
  async load(given: Model | ByteContainer): Promise<UNetConfig> {
    const { isBytes, loadModel } = await this.parts();
    return this.turns.take('answer', async () => {
      this.phase = 'loading';
      const model = isBytes(given) ? loadModel(given) : given;
      checkObject('The model', model, 'what loadModel returns, or the bytes of its file');
      const { unet } = await this.samplers.load('model', model, await this.device());
      return unet.config;
    });
  }

  /** Samples images; training waits meanwhile. Throws as `createSampler` and `sample` do. */
  async sample(order: SampleOrder = {}, how: SampleCallOptions = {}): Promise<Samples> {
    checkObject('Sampling', order, '{ steps: 20 }');
    const { count, network, ...options } = order;
    const { signal, onStep, onFrame } = how;
    checkFunctions({ onStep, onFrame });
    await this.parts();
    const make = async ({ engine, signal }: TurnContext): Promise<Samples> => {
      const name = network ?? (this.run ? 'run' : 'model');
      const unet = await this.networkOf(name, engine);
      const sampler = await this.samplers.sampler(name, engine, unet, count);
      this.phase = 'sampling';
      let images: Float32Array<ArrayBuffer> | undefined;
      if (!onFrame) images = await sampler.sample({ ...options, signal, onStep });
      else
        for await (const frame of sampler.run({ ...options, signal })) {
          images = frame.x;
          onFrame(frame);
        }
      const { height, width, channels, outChannels = channels } = unet.config;
      const { count: sampleCount, seed } = sampler;
      const samples = {
        images: images!,
        count: sampleCount,
        height,
        width,
        channels: outChannels,
        seed: seed!,
      };
      return transfer(samples, [samples.images.buffer]);
    };
    return this.turn('answer', make, { signal });
  }

  /**
   * The bytes of a file: a model, or a checkpoint, from which `resume` goes on. After a divergence or while the device is lost it has the
   * last good state.
   */
  async save(what: 'model' | 'checkpoint' = 'model'): Promise<Uint8Array<ArrayBuffer>> {
    if (what !== 'model' && what !== 'checkpoint')
      throw argumentError(`save was asked for ${show(what)}; it saves a model or a checkpoint.`);
    const { saveModel } = await this.parts();
    const bytes = await this.turns.take('answer', async () => {
      const run = this.needRun();
      if (what === 'model') {
        const { objective, data } = run;
        return saveModel(await run.network(await this.device()), { objective, data });
      }
      if (run.trainer && !(run.diverged && run.checkpoint)) await this.store();
      if (run.file) return run.file;
      throw dataError('The run has no step yet that could be saved, and its device was lost.');
    });
    return transfer(bytes, [bytes.buffer]);
  }

  /** The runs that the browser stores, except this one. They come as the event `runs`, too. */
  async runs(): Promise<readonly StoredRun[]> {
    await this.parts();
    return this.stored.list();
  }

  /** Deletes a stored run. Throws `busy` if another tab has it, `argument` if no run with this id is stored. */
  async discard(id: string): Promise<void> {
    await this.parts();
    await this.stored.discard(id);
  }

  // ---------------------------------------------------------------- what is called in the worker only

  /**
   * Does `work` in a turn of its own. Rejects as it does, with the reason of `signal`, and with an AbortError where the turn is ended or
   * dropped; see turns.ts.
   */
  async turn<T>(
    kind: TurnKind,
    work: (context: TurnContext) => T | Promise<T>,
    how: Abortable = {},
  ): Promise<T> {
    checkFunctions({ work: work ?? null });
    checkObject('What turn is given', how, '{ signal }');
    const { signal } = how;
    checkSignal(signal);
    if (!Object.hasOwn(RANK, kind))
      throw argumentError(`No turn is of the kind ${show(kind)}; kinds are ${Object.keys(RANK).join(', ')}.`);
    await this.parts();
    const make = async (own: AbortSignal) => {
      const engine = await this.device();
      const network = await this.run?.network(engine);
      own.throwIfAborted();
      return work({ signal: own, engine, network, trainer: this.run?.trainer });
    };
    return this.turns.take(kind, make, { signal });
  }

  /** The last user of a network (a sampler, for instance) for this key, if the network is the same, else a new one. It is destroyed before the network. */
  async use<Kind extends Pick<Sampler, 'unet' | 'destroy'>>(
    key: string,
    unet: UNet,
    create: () => Promise<Kind>,
  ): Promise<Kind> {
    return this.samplers.reuse<Kind>(key, (last) => last.unet === unet, create);
  }

  /** Keeps a copy of the run as it is, before it is built anew. Call this in a turn. @internal */
  async settle(): Promise<void> {
    if (this.stretch) await this.stretch.rest();
    else if (this.run?.trainer) await this.store();
  }

  /** Ends everything, and frees all memory, the engine's too. What the browser keeps stays, for others to go on with. */
  async destroy(): Promise<void> {
    const rests = this.stretch?.pause();
    this.stopAll(new EngineError('destroyed', 'The session was ended.'));
    const end = async () => {
      this.freeAll();
      this.run = undefined;
      this.freeDevice();
      await this.stored?.end();
    };
    const last = async () => {
      await rests?.catch(() => {});
      await this.turns.take('answer', end);
    };
    // A device that does not answer holds up the turn.
    await watch(last(), END_SECONDS, () => void end().catch(() => {})).catch(() => {});
  }

  /** A client no longer waited for its run when that was there: it has none that it could use. @internal */
  withdraw(): void {
    void this.turns.take('answer', () => this.free());
  }

  // ---------------------------------------------------------------- helpers

  private state(): RunState {
    const { losses = [], complete = false } = this.run ?? {};
    return { step: losses.length, loss: losses.at(-1), complete };
  }

  private async networkOf(name: 'run' | 'model', engine: Engine): Promise<UNet> {
    if (name === 'run') return this.needRun().network(engine);
    if (name !== 'model') throw argumentError(`network is ${name}; it must be run or model.`);
    const model = await this.samplers.network('model', engine);
    if (model) return model.unet;
    throw argumentError(
      'This worker has no network to sample from. Make a run with begin or resume, or load a model.',
    );
  }

  /** Ends training, and what waits for its turn. */
  private stopAll(reason: unknown): void {
    this.opening?.abort(reason);
    void this.stretch?.pause().catch(() => {});
    this.turns.endAll(reason);
  }

  /** Frees the run's memory and forgets the run. What the browser keeps stays, but for `discard`. */
  private async free(discard = false): Promise<void> {
    this.freeRun();
    this.run = undefined;
    await this.stored.end({ discard });
  }
}

/** Creates a session, for a worker or a page; its parts load at its first call. Throws `argument` for wrong options. */
export function createSession(options: SessionOptions = {}): Session {
  checkNames('createSession', options, OPTIONS);
  checkBooleans({ store: options.store });
  checkFunctions({ images: options.images });
  return new Session(options);
}
