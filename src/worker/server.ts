/** Answers a client's calls with a training session. */

import { type ByteContainer, bytesOf, isBytes } from '../base/bytes';
import { checkNames, checkObject, EngineError, type Names, show } from '../base/errors';
import { watch } from '../base/time';
import type { ImageSet } from '../data/idx';
import { createEngine, type Engine } from '../engine';
import { checkFit, checkTrainer } from '../training/options';
import { checkConfig, defaultConfig, type UNetConfig } from '../unet/config';
import type { UNet } from '../unet/unet';
import { loadCheckpoint } from '../weights/checkpoint';
import { loadModel, type Model } from '../weights/model';
import { saveModel } from '../weights/save_model';
import type {
  Answer,
  BeginOptions,
  CallName,
  Calls,
  Request,
  ResumeOptions,
  RunChanges,
  RunDescription,
  RunState,
  SampleOrder,
} from './protocol';
import { type Trained, TrainingRun } from './run';
import type { CallContext, Host, HostCalls, ServeOptions } from './serve_options';
import { type SessionHost, TrainingSession } from './session';
import { crossed, memoryOf } from './transfer';

type Post = (answer: Answer, transfer?: Transferable[]) => void;
/** The second argument of a client's call. */
interface Context {
  readonly id: number;
  readonly signal: AbortSignal;
}
type Handlers = {
  readonly [Name in CallName]: (
    context: Context,
    ...args: Parameters<Calls[Name]>
  ) => Promise<ReturnType<Calls[Name]>>;
};

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
const SUBMIT_MS = 12;
/** Seconds until the session ends in the middle of a task: a step may take long. */
const END_SECONDS = 60;

export class Server implements SessionHost {
  private readonly post: Post;
  private readonly options: ServeOptions;
  readonly hooks: Host;
  private readonly session: TrainingSession;
  /** The host's custom calls. */
  private readonly custom: HostCalls;
  private readonly calls = new Map<number, AbortController>();
  /** Calls that are answered when the training rests. */
  private resting: { resolve(state: RunState): void; reject(error: unknown): void }[] = [];
  /** The worker's images, requested once. */
  private images: Promise<ImageSet> | undefined;

  constructor(post: Post, options: ServeOptions) {
    this.post = post;
    this.options = options;
    this.session = new TrainingSession(this, { store: options.store });
    this.session.idlePhase = 'idle';
    this.hooks = options.host?.(this.session, this.tell) ?? {};
    this.custom = { ...options.calls, ...this.hooks.calls };
  }

  receive(request: Request): void {
    if (request.type === 'abort') this.abort(request.id);
    else if (request.type === 'unread') this.answerAgain(request.ids);
    else if (request.type === 'end') this.end();
    else void this.answer(request);
  }

  /** Ends a call. Where its answer is under way already, the client does not get it, and so has no run that it could use. */
  private abort(id: number): void {
    const isItsRun = () => this.session.run?.madeBy === id;
    const reset = async () => {
      if (isItsRun()) await this.reset(false);
    };
    const call = this.calls.get(id);
    if (call) call.abort();
    else if (isItsRun()) void this.inTurn(reset);
  }

  /** Ends all calls, and the session. */
  private end(): void {
    for (const call of this.calls.values()) call.abort();
    // The client is gone, and hears of no error.
    const end = () => this.session.end().catch(() => {});
    // A device that does not answer holds up the turn.
    void watch(this.leave(end), END_SECONDS, end);
  }

  /** Answers the calls that are over: the client could not read one of the answers, and waits for it. */
  private answerAgain(ids: readonly number[]): void {
    const unread =
      'The page could not read the answer of the worker. Memory may be short: close what is not needed, and call again.';
    for (const id of ids)
      if (!this.calls.has(id))
        this.post({ type: 'failed', id, error: crossed(new EngineError('data', unread)) });
  }

  private async answer({
    type,
    id,
    call,
    args,
  }: Extract<Request, { type: 'call' | 'custom' }>): Promise<void> {
    const controller = new AbortController();
    this.calls.set(id, controller);
    const { signal } = controller;
    try {
      if (type === 'custom')
        this.post({ type: 'done', id, value: await this.callCustom(call, args[0], signal) });
      else {
        const handler = this.handlers[call as CallName] as (context: Context, ...args: unknown[]) => unknown;
        const value = await handler({ id, signal }, ...args);
        this.post({ type: 'done', id, value }, memoryOf(value));
      }
    } catch (error) {
      this.post({ type: 'failed', id, error: crossed(error) });
    } finally {
      this.calls.delete(id);
    }
  }

  private readonly handlers: Handlers = {
    begin: async (context, options) => {
      const make = () => this.open(context, () => this.begin(options));
      if (!this.hooks.newRun) return this.inTurn(make);
      this.checkNoRun();
      // Training makes it, so that what is done at present goes on.
      return new Promise((resolve, reject) => {
        this.session.makeRun = () => make().then(resolve, reject);
      });
    },
    resume: (context, options) => this.inTurn(() => this.open(context, () => this.resume(options))),
    start: ({ signal }, { epochs }) => this.train(signal, { epochs }),
    step: ({ signal }, steps) => this.train(signal, { steps }),
    pause: async () => {
      this.session.pause();
      if (this.answersAtOnce) return this.state();
      const state = await this.inTurn(async () => {
        // A start that came before had its turn only now.
        if (this.session.wanted) this.session.pause();
        return this.state();
      });
      await this.session.stored.settled();
      return state;
    },
    goBack: () =>
      this.inTurn(async () => {
        this.needRun();
        if (!this.session.goBack()) {
          throw new EngineError(
            'argument',
            'There is nothing to go back to: the run has no earlier copy, and has not diverged since the last one.',
          );
        }
        return this.state();
      }),
    reset: async () => {
      let ended: Promise<undefined> | undefined;
      // What comes next does not wait for the storage.
      await this.leave(async () => {
        ended = this.reset();
      });
      return ended;
    },
    putAside: () => this.leave(() => this.session.putAside()),
    adjust: async (_, changes) => {
      checkNames('adjust', changes, CHANGES);
      this.needRun();
      this.session.adjust(changes);
      return undefined;
    },
    load: (_, given) =>
      this.inTurn(async () => {
        this.session.phase('loading');
        const model = modelOf(given);
        const { unet } = await this.session.samplers.load('model', model, await this.session.device());
        this.hooks.loaded?.(model);
        return unet.config;
      }),
    sample: ({ id, signal }, order, events) =>
      this.inTurn(() => this.sample(order, { id, signal, ...events })),
    save: (_, what) => this.inTurn(() => this.save(what)),
    runs: async () => {
      this.session.stored.list();
      return undefined;
    },
    discard: async (_, id) => {
      await this.session.stored.discard(id);
      return undefined;
    },
  };

  private async callCustom(name: string, args: unknown, signal: AbortSignal): Promise<unknown> {
    if (!Object.hasOwn(this.custom, name)) {
      const names = Object.keys(this.custom).join(', ') || 'none';
      throw new EngineError('argument', `This worker has no call ${show(name)} of its own; it has ${names}.`);
    }
    const { session } = this;
    const context: CallContext = {
      signal,
      tell: this.tell,
      inTurn: (work) => this.inTurn(work, signal),
      engine: () => session.device(),
      network: async () => session.run?.network(await session.device()),
      trainer: () => session.run?.trainer,
    };
    return this.custom[name](args as never, context);
  }

  // ---------------------------------------------------------------- what the session asks of its host

  /** Sends an event, custom events included. */
  readonly tell = (name: string, value?: unknown, transfer: Transferable[] = []): void =>
    this.post({ type: 'event', name, value }, transfer);

  createEngine(): Promise<Engine> {
    return createEngine({
      maxSubmitMilliseconds: SUBMIT_MS,
      ...this.options.engine,
      onProgress: (progress) => this.tell('progress', progress),
      onWarning: ({ message }) => this.tell('warning', { message, run: false }),
    });
  }

  failed(error: unknown): void {
    // Callers whose training goes on by itself keep waiting.
    if (this.session.isReported(error)) return;
    this.hooks.failed?.(error);
    for (const { reject } of this.resting.splice(0)) reject(error);
  }

  rest(): void {
    if (this.session.wanted || this.session.recovering) return;
    for (const { resolve } of this.resting.splice(0)) resolve(this.state());
  }

  // ---------------------------------------------------------------- the calls

  private async begin(options: BeginOptions): Promise<RunDescription> {
    if (this.hooks.newRun) return this.build(TrainingRun.begin(await this.hooks.newRun()));
    checkNames('begin', options, BEGIN);
    const { trainer = {}, source, fit, sampling } = options;
    checkObject('fit', fit, '{ epochs: 5 }');
    const network = networkToTrain(options.network);
    const config = 'parameters' in network ? network.config : network;
    const { batchSize, learningRate, settings } = checkTrainer(trainer);
    checkFit(fit, settings.objective, config);
    const images = options.images ?? (await this.hostImages());
    const { epochs, seed = 0, binarize, dropLast, maxSteps } = fit;
    const runSettings = { batchSize, learningRate, epochs, seed, binarize, dropLast, maxSteps, source };
    return this.build(TrainingRun.begin({ network, trainer, images, settings: runSettings, sampling }));
  }

  private async resume(options: ResumeOptions): Promise<RunDescription> {
    checkNames('resume', options, RESUME);
    const { from } = options;
    const { stored } = this.session;
    const bytes = typeof from === 'string' ? (await stored.take(from)).bytes : checkpointOf(from);
    try {
      const id = typeof from === 'string' ? from : undefined;
      const run = (await this.hooks.oldRun?.(bytes, id)) ?? (await this.oldRun(bytes, options));
      const made = await this.build(run);
      const { otherKernels } = run;
      if (otherKernels) this.tell('warning', { message: `The run goes on ${otherKernels}`, run: true });
      await this.hooks.resumed?.();
      return made;
    } catch (error) {
      if (typeof from === 'string') await stored.end();
      throw error;
    }
  }

  private async oldRun(bytes: Uint8Array<ArrayBuffer>, options: ResumeOptions): Promise<TrainingRun> {
    const { settings } = loadCheckpoint(bytes);
    const images = options.images ?? (await this.hostImages());
    return TrainingRun.resume(bytes, { images, settings, sampling: options.sampling });
  }

  /** Creates a run if there is none; frees it if the client no longer waits for it. What the browser keeps stays. */
  private async open({ id, signal }: Context, make: () => Promise<RunDescription>): Promise<RunDescription> {
    signal.throwIfAborted();
    this.checkNoRun();
    signal.addEventListener('abort', () => this.session.giveUp());
    const made = await make();
    if (signal.aborted) await this.reset(false);
    signal.throwIfAborted();
    this.session.run!.madeBy = id;
    return made;
  }

  private async build(run: TrainingRun): Promise<RunDescription> {
    await this.session.open(run);
    return run.describe(this.session.engine!.adapter);
  }

  /** Does `work`, after which there is no run, when the present task has stopped. */
  private async leave(work: () => Promise<void>): Promise<undefined> {
    this.session.pause();
    this.hooks.leaving?.();
    await this.inTurn(work);
    return undefined;
  }

  private async reset(discard = true): Promise<undefined> {
    this.session.reset();
    await this.session.stored.end({ discard });
  }

  /** Trains to the end, or `steps` steps. Resolves when the training rests. */
  private async train(
    signal: AbortSignal,
    { steps, epochs }: { readonly steps?: number; readonly epochs?: number | undefined },
  ): Promise<RunState> {
    if (this.answersAtOnce) {
      this.session.train(steps);
      return this.state();
    }
    // After a `begin` that the client has not awaited, for instance.
    await this.inTurn(async () => this.needRun());
    if (epochs !== undefined) this.session.adjust({ epochs });
    // The abort may have come while this waited for its turn.
    signal.throwIfAborted();
    // The client no longer waits for it, so it should not go on.
    signal.addEventListener('abort', () => this.session.pause());
    return new Promise((resolve, reject) => {
      this.resting.push({ resolve, reject });
      this.session.train(steps);
    });
  }

  private async sample(
    { count, network, ...order }: SampleOrder,
    call: Context & { readonly steps: boolean; readonly frames: boolean },
  ) {
    call.signal.throwIfAborted();
    const { session } = this;
    const engine = await session.device();
    const { run, samplers } = session;
    const ofModel = network === 'model' || (network === undefined && !run);
    const unet = await (this.hooks.network?.(network) ?? this.networkOf(network, engine));
    const sampler = await samplers.sampler(ofModel ? 'model' : 'run', engine, unet, count);
    session.phase('sampling');
    let images: Float32Array<ArrayBuffer> | undefined;
    const make = async (signal: AbortSignal) => {
      const onStep = (done: number) => this.post({ type: 'steps', id: call.id, done });
      const options = { ...order, signal, ...(call.steps ? { onStep } : {}) };
      if (!call.frames) images = await sampler.sample(options);
      else
        for await (const frame of sampler.run(options)) {
          images = frame.x;
          this.post({ type: 'frame', id: call.id, frame });
        }
    };
    if (!this.hooks.network) await make(call.signal);
    else {
      const makeUntil = (signal: AbortSignal) => make(AbortSignal.any([signal, call.signal]));
      const ended = await session.tasks.interruptible('sampling', makeUntil);
      if (!ended) throw new DOMException('Another call came before the last step.', 'AbortError');
    }
    const { height, width, channels, outChannels = channels } = unet.config;
    const { count: made, seed } = sampler;
    return { images: images!, count: made, height, width, channels: outChannels, seed: seed! };
  }

  private async networkOf(name: SampleOrder['network'], engine: Engine): Promise<UNet> {
    const { run, samplers } = this.session;
    if (name !== undefined && name !== 'model' && name !== 'run')
      throw new EngineError('argument', `network is ${name}; it must be run or model.`);
    if (name === 'run' || (!name && run)) return this.needRun().network(engine);
    const loaded = await samplers.network('model', engine);
    if (!loaded) throw nothingToSample();
    return loaded.unet;
  }

  private async save(what: 'model' | 'checkpoint'): Promise<Uint8Array<ArrayBuffer>> {
    if (what !== 'model' && what !== 'checkpoint') {
      throw new EngineError('argument', `save was asked for ${what}; it saves a model or a checkpoint.`);
    }
    const run = this.needRun();
    if (what === 'model') {
      const unet = await run.network(await this.session.device());
      return saveModel(unet, { objective: run.objective, data: run.data });
    }
    const checkpoint = await this.session.saveCheckpoint();
    if (!checkpoint)
      throw new EngineError('data', 'The run has no step yet that could be saved, and its device was lost.');
    return checkpoint;
  }

  /** Runs `work` when the present task has stopped, unless `signal` has aborted; training goes on afterwards. */
  private inTurn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', () => reject(signal.reason));
      this.session.tasks.request(async () => {
        if (signal?.aborted) return;
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** See Host.newRun. */
  private get answersAtOnce(): boolean {
    return this.hooks.newRun !== undefined;
  }

  private state(): RunState {
    const { run } = this.session;
    const losses = run?.losses ?? [];
    return { step: losses.length, loss: losses.at(-1), complete: run?.complete ?? false };
  }

  private checkNoRun(): void {
    if (!this.session.run) return;
    throw new EngineError(
      'busy',
      'This worker has a run, which another would replace. Save its checkpoint to keep it, and reset it.',
    );
  }

  private needRun(): TrainingRun {
    const { run } = this.session;
    if (!run) throw noRun();
    return run;
  }

  private hostImages(): Promise<ImageSet> {
    const { images } = this.options;
    if (!images) {
      throw new EngineError(
        'argument',
        'No images are given, and the worker has none of its own. Give images, or serve(globalThis, { images: () => … }).',
      );
    }
    this.images ??= Promise.resolve(images()).catch((error) => {
      this.images = undefined;
      throw error;
    });
    return this.images;
  }
}

const noRun = () =>
  new EngineError('argument', 'This worker has no run. Make one with begin or resume first.');
const nothingToSample = () =>
  new EngineError(
    'argument',
    'This worker has no network to sample from. Make a run with begin or resume, or load a model.',
  );

// ---------------------------------------------------------------- checks of what a client sends

/** The network of a run; missing fields of a configuration are the tutorial's. */
function networkToTrain(network: BeginOptions['network'] = {}): UNetConfig | Trained {
  checkObject('network', network, '{ height: 28, width: 28 }, or a model');
  if ('parameters' in network) return network;
  return checkConfig({ ...defaultConfig, ...network });
}

function modelOf(model: Model | ByteContainer): Model {
  if (isBytes(model)) return loadModel(model);
  checkObject('The model', model, 'what loadModel returns, or the bytes of its file');
  return model;
}

const checkpointOf = (from: ByteContainer) =>
  bytesOf(from, 'from', ', or the id of a stored run') as Uint8Array<ArrayBuffer>;
