/** The page's side: the worker's calls as methods with promises. It needs no GPU and loads none of the engine. */
import type { ByteContainer } from '../base/bytes';
import {
  checkBooleans,
  checkFunctions,
  checkInteger,
  checkNames,
  checkNumber,
  checkObject,
  checkSignal,
  EngineError,
  type Names,
  show,
  typeOf,
} from '../base/errors';
import type { SampleEvent } from '../sampling/options';
import type { UNetConfig } from '../unet/config';
import type { Model } from '../weights/model';
import {
  type Answer,
  type BeginOptions,
  type CallName,
  type Calls,
  HELLO,
  isMarked,
  marked,
  type READY,
  type Request,
  type ResumeOptions,
  type RunChanges,
  type RunDescription,
  type RunState,
  type SampleOrder,
  type Samples,
  VERSION,
  type WorkerEvents,
} from './protocol';
import { arrived, memoryOf } from './transfer';
import type { Trouble } from './trouble';

/** A `Worker`, or a `MessagePort` whose other end is served. */
export interface WorkerLike {
  /** As a worker's. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As a worker's. */
  addEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** As a worker's. */
  removeEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** A worker's. */
  terminate?(): void;
  /** A port's. */
  start?(): void;
  /** A port's. */
  close?(): void;
}

/** Options of every call. */
export interface CallOptions {
  /** Ends the call; its promise rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Images that go to the worker. */
export interface TransferOptions extends CallOptions {
  /** Whether to transfer the images' memory instead of copying it; the page cannot use it any more. Default false. */
  readonly transfer?: boolean | undefined;
}

/** Options of `start`. */
export interface StartOptions extends CallOptions {
  /** A new number of epochs, counting the completed ones. Default: the run's. */
  readonly epochs?: number | undefined;
}

/** Options of `call`. */
export interface CustomCallOptions extends CallOptions {
  /** Memory in the arguments to transfer instead of copying it. */
  readonly transfer?: Transferable[] | undefined;
}

/** The types of a worker's custom calls, the record of `serve(globalThis, { calls })`, and of the events that they send. */
export interface CustomProtocol {
  /** The calls: `typeof calls`, for instance. */
  readonly calls: object;
  /** The value of each event, by its name. */
  readonly events: object;
}

/** The protocol of a worker without custom calls and events. */
export interface NoCustomProtocol extends CustomProtocol {
  /** None. */
  readonly calls: Record<never, never>;
  /** None. */
  readonly events: Record<never, never>;
}

/** Options of `createWorkerClient`. */
export interface ClientOptions<Custom extends CustomProtocol = NoCustomProtocol> {
  /** The names of the custom events, for `on`. */
  readonly events?: readonly (keyof Custom['events'] & string)[] | undefined;
}

/** The arguments of a custom call, and its result. */
type Args<Calls, Name extends keyof Calls> = Calls[Name] extends (args: infer A, ...rest: never[]) => unknown
  ? A
  : never;
type Result<Calls, Name extends keyof Calls> = Calls[Name] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/** Options of `sample`. */
export interface ClientSampleOptions extends SampleOrder, CallOptions {
  /** Called with the number of completed steps. */
  readonly onStep?: ((done: number) => void) | undefined;
  /** Called with every step's images. It takes more time than `onStep`. */
  readonly onFrame?: ((frame: SampleEvent) => void) | undefined;
}

const CALL_OPTIONS: Names<CallOptions> = { signal: true };
const START_OPTIONS: Names<StartOptions> = { ...CALL_OPTIONS, epochs: true };
const TRANSFER_OPTIONS: Names<TransferOptions> = { ...CALL_OPTIONS, transfer: true };
const EVENTS: Names<WorkerEvents> = {
  progress: true,
  phase: true,
  loss: true,
  warning: true,
  lost: true,
  recovered: true,
  stored: true,
  notStored: true,
  runs: true,
  built: true,
  freed: true,
  wentBack: true,
  stopped: true,
};
const CUSTOM_CALL: Names<CustomCallOptions> = { ...CALL_OPTIONS, transfer: true };
const CLIENT_OPTIONS: Names<ClientOptions> = { events: true };

/** Messages `ready` of another version after which the worker counts as one: the first ones may be the app's own. */
const OTHER_VERSIONS = 3;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly onStep?: ClientSampleOptions['onStep'];
  readonly onFrame?: ClientSampleOptions['onFrame'];
}

type EventsOf<Custom extends CustomProtocol> = WorkerEvents & Custom['events'];

/**
 * A training worker, as an object. Calls reject with the worker's errors: EngineErrors with their codes. One run at a time; the worker
 * answers calls in their order; training waits for them and goes on by itself.
 */
export class WorkerClient<Custom extends CustomProtocol = NoCustomProtocol> {
  private readonly worker: WorkerLike;
  /** The calls that the worker has not answered. */
  private readonly pending = new Map<number, Pending>();
  private readonly listeners: Map<string, Set<(value: unknown) => void>>;
  /** Messages to send when the worker listens; undefined once it does. */
  private waiting: (() => void)[] | undefined = [];
  private otherVersions = 0;
  /** What is known of errors in the worker, once there was one. */
  private trouble: Trouble | undefined;
  private calls = 0;
  private ended: EngineError | undefined;

  /** @internal */
  constructor(worker: WorkerLike, { events = [] }: ClientOptions<Custom>) {
    this.worker = worker;
    this.listeners = new Map([...Object.keys(EVENTS), ...events].map((name) => [name, new Set()]));
    worker.addEventListener('message', this.receive);
    worker.addEventListener('error', this.fail);
    worker.addEventListener('messageerror', this.fail);
    worker.start?.();
    this.ask();
  }

  /**
   * Creates a run: its network, its data and its trainer. Throws `busy` if there is a run (`reset` ends it); else as `createUNet`,
   * `createDataset` and `createTrainer` do.
   */
  async begin(options: BeginOptions, how: TransferOptions = {}): Promise<RunDescription> {
    return this.request('begin', [options], handedOver('begin', options, how));
  }

  /**
   * Creates a run that continues a checkpoint. Throws as `begin` and `engine.resume` do, `data` for other images than the run's, and for a
   * stored run as `discard` does.
   */
  async resume(options: ResumeOptions, how: TransferOptions = {}): Promise<RunDescription> {
    return this.request('resume', [options], handedOver('resume', options, how));
  }

  /**
   * Trains until the epochs are complete. Resolves when training rests: complete, or paused. Rejects when the run diverges. An abort pauses it.
   */
  async start(options: StartOptions = {}): Promise<RunState> {
    checkNames('start', options, START_OPTIONS);
    const { epochs, signal } = options;
    if (epochs !== undefined) checkInteger('epochs', epochs, 1);
    return this.request('start', [{ epochs }], { signal });
  }

  /** Trains `count` steps. Resolves and rejects as `start` does. */
  async step(count = 1, options: CallOptions = {}): Promise<RunState> {
    checkInteger('count', count, 1);
    checkNames('step', options, CALL_OPTIONS);
    return this.request('step', [count], options);
  }

  /** Ends training after the step under way. Resolves when training rests and a copy of the run is stored. */
  pause(): Promise<RunState> {
    return this.request('pause', []);
  }

  /** Goes back to the copy before the last one, after a divergence; `start` continues from there, with a smaller rate for instance. */
  goBack(): Promise<RunState> {
    return this.request('goBack', []);
  }

  /** Deletes the run, in the browser's storage as well, and frees its memory. */
  reset(): Promise<undefined> {
    return this.request('reset', []);
  }

  /** Sets the base rate, before the schedule, from the next step on; above 0, up to 10. */
  async setLearningRate(rate: number): Promise<undefined> {
    checkNumber('learningRate', rate, 1e-12, 10);
    return this.request('adjust', [{ learningRate: rate }]);
  }

  /**
   * Changes rate, schedule and end of the run, from the next submission on; its copies have the present ones. Throws `argument`, and changes
   * nothing, for a value that is not legal.
   */
  adjust(changes: RunChanges): Promise<undefined> {
    return this.request('adjust', [changes]);
  }

  /** Loads a trained network, or its file, to sample from, in place of the one before. Resolves to its configuration. */
  load(model: Model | ByteContainer): Promise<UNetConfig> {
    return this.request('load', [model]);
  }

  /** Samples images; training waits meanwhile. Throws as `createSampler` and `sample` do. */
  async sample(options: ClientSampleOptions = {}): Promise<Samples> {
    checkObject('Sampling', options, '{ steps: 20 }');
    const { signal, onStep, onFrame, ...order } = options;
    checkFunctions({ onStep, onFrame });
    const events = { steps: onStep !== undefined, frames: onFrame !== undefined };
    return this.request('sample', [order, events], { signal, onStep, onFrame });
  }

  /**
   * The bytes of a file: a model, or a checkpoint, from which `resume` goes on. After a divergence or while the device is lost it has the
   * last good state.
   */
  save(what: 'model' | 'checkpoint' = 'model'): Promise<Uint8Array<ArrayBuffer>> {
    return this.request('save', [what]);
  }

  /** Requests the list of stored runs, which comes as the event `runs`. */
  runs(): Promise<undefined> {
    return this.request('runs', []);
  }

  /** Deletes a stored run. Throws `busy` if another tab has it, `argument` if no run with this id is stored. */
  discard(id: string): Promise<undefined> {
    return this.request('discard', [id]);
  }

  /**
   * Frees the run's memory and leaves it in the browser's storage, from where `resume` goes on with it. Throws `data` if it is not stored
   * there.
   */
  putAside(): Promise<undefined> {
    return this.request('putAside', []);
  }

  /** Calls a custom function of `serve(globalThis, { calls })`. Resolves to its result, and rejects with its error. */
  async call<Name extends keyof Custom['calls'] & string>(
    name: Name,
    ...[args, options = {}]: undefined extends Args<Custom['calls'], Name>
      ? [args?: Args<Custom['calls'], Name>, options?: CustomCallOptions]
      : [args: Args<Custom['calls'], Name>, options?: CustomCallOptions]
  ): Promise<Result<Custom['calls'], Name>> {
    checkNames('call', options, CUSTOM_CALL);
    return this.request(name as never, [args] as never, options, 'custom');
  }

  /** Calls `listener` with every event of this name. Returns a function that ends this. */
  on<Name extends keyof EventsOf<Custom> & string>(
    name: Name,
    listener: (event: EventsOf<Custom>[Name]) => void,
  ): () => void {
    const listeners = this.listeners.get(name);
    if (!listeners) {
      throw new EngineError(
        'argument',
        `There is no event ${show(name)}; there are ${[...this.listeners.keys()].join(', ')}.`,
      );
    }
    checkFunctions({ listener: listener ?? null });
    listeners.add(listener as (value: unknown) => void);
    return () => listeners.delete(listener as (value: unknown) => void);
  }

  /** Ends the worker, or on a port its run and engine. Calls under way, and later ones, reject with `destroyed`. */
  destroy(): void {
    this.end(new EngineError('destroyed', 'This worker client was destroyed; create another worker.'));
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  private request<Name extends CallName>(
    call: Name,
    args: Parameters<Calls[Name]>,
    options: CallOptions &
      Pick<Pending, 'onStep' | 'onFrame'> & { readonly transfer?: Transferable[] | undefined } = {},
    type: 'call' | 'custom' = 'call',
  ): Promise<ReturnType<Calls[Name]>> {
    const { signal, transfer = [], ...heard } = options;
    return new Promise((resolve, reject) => {
      if (this.ended) throw this.ended;
      checkSignal(signal);
      signal?.throwIfAborted();
      const id = ++this.calls;
      const abort = () => this.abort(id, signal?.reason);
      const over = () => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort);
      this.pending.set(id, {
        resolve: (value) => {
          over();
          resolve(value as ReturnType<Calls[Name]>);
        },
        reject: (error) => {
          over();
          reject(error);
        },
        ...heard,
      });
      this.post({ type, id, call, args }, transfer);
    });
  }

  private ask(): void {
    this.worker.postMessage(HELLO, []);
  }

  private post(request: Request, transfer: Transferable[] = []): void {
    const send = () => {
      try {
        this.worker.postMessage(marked(request), transfer);
      } catch (cause) {
        if (!('call' in request)) throw cause;
        const message = `${request.call} was given what cannot be sent to a worker: ${(cause as Error).message}`;
        this.settle(request.id)?.reject(new EngineError('argument', message, { cause }));
      }
    };
    if (this.waiting) this.waiting.push(send);
    else send();
  }

  private abort(id: number, reason: unknown): void {
    const pending = this.pending.get(id);
    // The worker answers it all the same.
    this.pending.set(id, { resolve() {}, reject() {} });
    this.post({ type: 'abort', id });
    pending?.reject(reason);
  }

  /** Calls a caller's function. What it throws ends the call. */
  private callBack<Value>(id: number, listener: ((value: Value) => void) | undefined, value: Value): void {
    try {
      listener?.(value);
    } catch (error) {
      this.abort(id, error);
    }
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  private readonly receive = ({ data }: { readonly data: Answer | typeof READY | null }): void => {
    this.trouble?.heard(data);
    if (data?.type === 'ready') this.ready(data);
    else if (isMarked(data)) this.hear(data as Answer);
  };

  private ready({ version }: Partial<typeof READY>): void {
    if (!this.waiting) return;
    if (version === VERSION) {
      const sends = this.waiting;
      this.waiting = undefined;
      for (const send of sends) send();
    } else if (++this.otherVersions < OTHER_VERSIONS) this.ask();
    else
      this.stop(
        `The worker is of version ${version}, the page of ${VERSION}: the browser has kept one of them from an earlier visit`,
      );
  }

  private hear(data: Answer): void {
    switch (data.type) {
      case 'done':
        this.settle(data.id)?.resolve(data.value);
        break;
      case 'failed':
        this.settle(data.id)?.reject(arrived(data.error));
        break;
      case 'steps':
        this.callBack(data.id, this.pending.get(data.id)?.onStep, data.done);
        break;
      case 'frame':
        this.callBack(data.id, this.pending.get(data.id)?.onFrame, data.frame as SampleEvent);
        break;
      case 'event':
        this.tell(data.name, data.value);
    }
  }

  private readonly fail = (event: { readonly type: string; readonly message?: string }): void => {
    if (!this.waiting) {
      // Where this cannot be loaded, the browser's console has the error.
      import('./trouble').then(
        ({ Trouble }) => {
          if (this.ended) return;
          this.trouble ??= new Trouble({
            pending: this.pending,
            ask: () => this.ask(),
            post: (request) => this.post(request),
            warn: (message) => this.tell('warning', { message, run: false }),
            stop: (why) => this.stop(why),
          });
          this.trouble.report(event);
        },
        () => {},
      );
      return;
    }
    const what =
      event.type === 'messageerror'
        ? 'A message of the worker could not be read'
        : `The worker stopped: ${event.message || 'its program could not be loaded'}`;
    this.stop(what.replace(/\.$/, ''), 'Give createWorkerClient a worker that calls serve().');
  };

  private tell(name: string, value: unknown): void {
    for (const listener of this.listeners.get(name) ?? []) listener(value);
  }

  /** Ends the client: the worker cannot go on. */
  private stop(why: string, remedy = 'Reload the page.'): void {
    this.end(new EngineError('argument', `${why}. ${remedy}`));
    this.tell('stopped', { message: `${why}. Reload the page.` });
  }

  private end(error: EngineError): void {
    if (this.ended) return;
    this.ended = error;
    this.trouble?.watch(false);
    this.worker.removeEventListener('message', this.receive);
    this.worker.removeEventListener('error', this.fail);
    this.worker.removeEventListener('messageerror', this.fail);
    if (this.worker.terminate) this.worker.terminate();
    else this.worker.postMessage(marked({ type: 'end' }), []);
    this.worker.close?.();
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

/** Splits off the options that the client handles: signal and transfer list. */
function handedOver(what: string, options: BeginOptions | ResumeOptions, how: TransferOptions) {
  checkObject(
    `What ${what} is given`,
    options,
    what === 'begin' ? '{ images, fit: { epochs: 5 } }' : '{ from, images }',
  );
  checkNames(what, how, TRANSFER_OPTIONS);
  const { signal, transfer = false } = how;
  checkBooleans({ transfer });
  return { signal, transfer: transfer ? memoryOf(options.images) : [] };
}

/**
 * Creates a client of a worker that calls `serve`. The worker may still be loading: calls wait for it. `Custom`: the worker's custom calls
 * and events; `options.events` has the events' names.
 */
export function createWorkerClient<Custom extends CustomProtocol = NoCustomProtocol>(
  worker: WorkerLike,
  options: ClientOptions<Custom> = {},
): WorkerClient<Custom> {
  if (typeof worker?.postMessage !== 'function' || typeof worker.addEventListener !== 'function') {
    throw new EngineError(
      'argument',
      `The worker is of type ${typeOf(worker)}; it must be a Worker, or a MessagePort: new Worker(url, { type: 'module' }).`,
    );
  }
  checkNames('createWorkerClient', options, CLIENT_OPTIONS);
  return new WorkerClient(worker, options);
}
