/** The page's side: calls that a worker answers, as methods with promises. It needs no GPU and loads none of the engine. */
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
import { arrived, memoryOf } from './crossing';
import type {
  Answer,
  BeginOptions,
  CallName,
  Calls,
  Request,
  ResumeOptions,
  RunDescription,
  RunState,
  SampleOrder,
  Samples,
  WorkerEvents,
} from './protocol';

/** A `Worker`, or a `MessagePort` whose other end is served. */
export interface WorkerLike {
  /** As a worker's. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As a worker's. */
  addEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** As a worker's. */
  removeEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** Of a worker. */
  terminate?(): void;
  /** Of a port. */
  start?(): void;
  /** Of a port. */
  close?(): void;
}

/** How a call can be ended. */
export interface CallOptions {
  /** Ends it; its promise rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Images that go to the worker. */
export interface TransferOptions extends CallOptions {
  /** Whether to hand the images' memory over instead of copying it; the page has it no more. Default false. */
  readonly transfer?: boolean | undefined;
}

/** Options of `start`. */
export interface StartOptions extends CallOptions {
  /** Another number of epochs, counting those already done, than the run was begun with. */
  readonly epochs?: number | undefined;
}

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
};

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly onStep?: ClientSampleOptions['onStep'];
  readonly onFrame?: ClientSampleOptions['onFrame'];
}

type Listener<Name extends keyof WorkerEvents> = (event: WorkerEvents[Name]) => void;

/**
 * A worker that trains, as an object. What it throws, its calls reject with: EngineErrors with their codes. One run at a time; calls are
 * answered in their order, and training, which waits for them, goes on by itself.
 */
export class WorkerClient {
  private readonly worker: WorkerLike;
  private readonly pending = new Map<number, Pending>();
  private readonly listeners: { [Name in keyof WorkerEvents]?: Set<Listener<Name>> } = {};
  /** What is to be sent when the worker listens; undefined once it does. */
  private waiting: (() => void)[] | undefined = [];
  private calls = 0;
  private ended: EngineError | undefined;

  /** @internal */
  constructor(worker: WorkerLike) {
    this.worker = worker;
    worker.addEventListener('message', this.receive);
    worker.addEventListener('error', this.fail);
    worker.addEventListener('messageerror', this.fail);
    worker.start?.();
    worker.postMessage({ type: 'hello' } satisfies Request, []);
  }

  /**
   * Makes a run: its network, its data and its trainer. `busy` if there is one, which `reset` ends; else what `createUNet`, `createDataset`
   * and `createTrainer` throw.
   */
  async begin(options: BeginOptions, how: TransferOptions = {}): Promise<RunDescription> {
    return this.call('begin', [options], handedOver('begin', options, how));
  }

  /** Makes a run that goes on from a checkpoint. Throws as `begin` and `loadCheckpoint` do, and `data` for other images than its own. */
  async resume(options: ResumeOptions, how: TransferOptions = {}): Promise<RunDescription> {
    return this.call('resume', [options], handedOver('resume', options, how));
  }

  /**
   * Trains until the epochs are complete. Resolves when it rests: complete, or paused. It rejects when the run diverges. An abort pauses it.
   */
  async start(options: StartOptions = {}): Promise<RunState> {
    checkNames('start', options, START_OPTIONS);
    const { epochs, signal } = options;
    if (epochs !== undefined) checkInteger('epochs', epochs, 1);
    return this.call('start', [{ epochs }], { signal });
  }

  /** Makes so many steps. Resolves and rejects as `start` does. */
  async step(count = 1, options: CallOptions = {}): Promise<RunState> {
    checkInteger('count', count, 1);
    checkNames('step', options, CALL_OPTIONS);
    return this.call('step', [count], options);
  }

  /** Ends training after the step under way. Resolves when it rests; a copy of the run is kept by then. */
  pause(): Promise<RunState> {
    return this.call('pause', []);
  }

  /** After a divergence: to the copy before the last one, from which `start` goes on, with a smaller rate say. */
  goBack(): Promise<RunState> {
    return this.call('goBack', []);
  }

  /** Forgets the run, also in the browser's storage, and frees its memory. */
  reset(): Promise<undefined> {
    return this.call('reset', []);
  }

  /** From the next step on, before the schedule; above 0, up to 10. */
  async setLearningRate(rate: number): Promise<undefined> {
    checkNumber('learningRate', rate, 1e-12, 10);
    return this.call('setLearningRate', [rate]);
  }

  /** Takes a trained network to sample from, or its file; the one before goes. Resolves to what it is. */
  load(model: Model | ByteContainer): Promise<UNetConfig> {
    return this.call('load', [model]);
  }

  /** Makes images; training waits meanwhile. Throws what `createSampler` and `sample` throw. */
  async sample(options: ClientSampleOptions = {}): Promise<Samples> {
    checkObject('Sampling', options, '{ steps: 20 }');
    const { signal, onStep, onFrame, ...order } = options;
    checkFunctions({ onStep, onFrame });
    const events = { steps: onStep !== undefined, frames: onFrame !== undefined };
    return this.call('sample', [order, events], { signal, onStep, onFrame });
  }

  /**
   * The bytes of a file: of the network, or of the run, from which `resume` goes on. After a divergence or while a device is lost it is the
   * last good one.
   */
  save(what: 'model' | 'checkpoint' = 'model'): Promise<Uint8Array<ArrayBuffer>> {
    return this.call('save', [what]);
  }

  /** Asks for the runs that the browser keeps; they come as the event `runs`. */
  runs(): Promise<undefined> {
    return this.call('runs', []);
  }

  /** Deletes one of them. `busy` if another tab has it. */
  discard(id: string): Promise<undefined> {
    return this.call('discard', [id]);
  }

  /** Calls `listener` with every event of this name. Returns what ends that. */
  on<Name extends keyof WorkerEvents>(name: Name, listener: Listener<Name>): () => void {
    if (!Object.hasOwn(EVENTS, name)) {
      throw new EngineError(
        'argument',
        `There is no event ${show(name)}; there are ${Object.keys(EVENTS).join(', ')}.`,
      );
    }
    checkFunctions({ listener: listener ?? null });
    // The mapped type says it of each name; TypeScript cannot say it of the one at hand.
    const all = (this.listeners as Record<Name, Set<Listener<Name>> | undefined>) ?? {};
    const listeners = all[name] ?? new Set();
    all[name] = listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Ends the worker. Calls under way, and later ones, reject with `destroyed`. */
  destroy(): void {
    this.end(new EngineError('destroyed', 'This worker client was destroyed; create another worker.'));
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  private call<Name extends CallName>(
    call: Name,
    args: Parameters<Calls[Name]>,
    options: CallOptions & Pick<Pending, 'onStep' | 'onFrame'> & { readonly transfer?: Transferable[] } = {},
  ): Promise<ReturnType<Calls[Name]>> {
    const { signal, transfer = [], ...heard } = options;
    return new Promise((resolve, reject) => {
      if (this.ended) throw this.ended;
      checkSignal(signal);
      signal?.throwIfAborted();
      const id = ++this.calls;
      const abort = () => {
        this.pending.delete(id);
        this.post({ type: 'abort', id }, []);
        reject(signal?.reason);
      };
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
      this.post({ type: 'call', id, call, args } as Request, transfer);
    });
  }

  private post(request: Request, transfer: Transferable[]): void {
    const send = () => {
      try {
        this.worker.postMessage(request, transfer);
      } catch (cause) {
        if (request.type !== 'call') throw cause;
        const message = `${request.call} was given what cannot be sent to a worker: ${(cause as Error).message}`;
        this.settle(request.id)?.reject(new EngineError('argument', message, { cause }));
      }
    };
    if (this.waiting) this.waiting.push(send);
    else send();
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }

  private readonly receive = ({ data }: { readonly data: Answer }): void => {
    switch (data.type) {
      case 'ready': {
        const sends = this.waiting ?? [];
        this.waiting = undefined;
        for (const send of sends) send();
        break;
      }
      case 'done':
        this.settle(data.id)?.resolve(data.value);
        break;
      case 'failed':
        this.settle(data.id)?.reject(arrived(data.error));
        break;
      case 'steps':
        this.pending.get(data.id)?.onStep?.(data.done);
        break;
      case 'frame':
        this.pending.get(data.id)?.onFrame?.(data.frame as SampleEvent);
        break;
      case 'event':
        for (const listener of this.listeners[data.name] ?? [])
          (listener as (value: unknown) => void)(data.value);
    }
  };

  private readonly fail = (event: { readonly type: string; readonly message?: string }): void => {
    const what =
      event.type === 'messageerror'
        ? 'A message of the worker could not be read'
        : `The worker stopped: ${event.message || 'its program could not be loaded'}`;
    this.end(
      new EngineError(
        'argument',
        `${what.replace(/\.$/, '')}. Give createWorkerClient a worker that calls serve().`,
      ),
    );
  };

  private end(error: EngineError): void {
    if (this.ended) return;
    this.ended = error;
    this.worker.removeEventListener('message', this.receive);
    this.worker.removeEventListener('error', this.fail);
    this.worker.removeEventListener('messageerror', this.fail);
    this.worker.terminate?.();
    this.worker.close?.();
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

/** What of a call's options is for the client: the memory that goes over, among it. */
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

/** A client of a worker that calls `serve`. It may still be loading: calls wait for it. */
export function createWorkerClient(worker: WorkerLike): WorkerClient {
  if (typeof worker?.postMessage !== 'function' || typeof worker.addEventListener !== 'function') {
    throw new EngineError(
      'argument',
      `The worker is of type ${typeOf(worker)}; it must be a Worker, or a MessagePort: new Worker(url, { type: 'module' }).`,
    );
  }
  return new WorkerClient(worker);
}
