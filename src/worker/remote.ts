/**
 * Calls from one thread to another: arguments with signals and functions, async iterables, events, errors with their codes. This is the
 * calling side; expose.ts has the other one. It knows nothing of training. Comlink, the library for calls between threads, has no signals
 * and no iterables, drops the codes of errors, and answers an app's own messages on the same worker; so this is not it.
 */
import { version } from '../../package.json';
import { argumentError, checkFunctions, EngineError, type ErrorCode, typeName } from '../base/errors';
import { Listeners } from '../base/listeners';
import { afterSeconds } from '../base/time';

/** A worker's global scope, or a `MessagePort`. */
export interface ScopeLike {
  /** As a worker's. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As a worker's. */
  addEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** A port's. */
  start?(): void;
}

/** A `Worker`, or a `MessagePort` whose other end is exposed. */
export interface WorkerLike extends ScopeLike {
  /** As a worker's. */
  removeEventListener(type: string, listener: (event: MessageEvent & ErrorEvent) => void): void;
  /** A worker's. */
  terminate?(): void;
  /** A port's. */
  close?(): void;
}

/** An error in a message. An EngineError has a code. */
export interface CrossedError {
  readonly name: string;
  readonly message: string;
  readonly code?: ErrorCode;
}

/** A signal or a function that an argument holds: `args[at][key]`. */
interface Crossing {
  readonly at: number;
  readonly key: string;
  readonly isSignal: boolean;
}

/** Messages of a client. */
export type Request =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly call: string;
      readonly args: readonly unknown[];
      readonly crossings: readonly Crossing[];
      /** The result is an async iterable. */
      readonly iterates: boolean;
    }
  /** The client no longer waits for this call. */
  | { readonly type: 'abort'; readonly id: number }
  /** An answer could not be read. `ids`: the calls that the client still waits for. */
  | { readonly type: 'unread'; readonly ids: readonly number[] }
  /** The page has destroyed its client of a port, or is gone. */
  | { readonly type: 'end' };

/** Messages of the worker. */
export type Answer =
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: CrossedError }
  /** Items of an async iterable. */
  | { readonly type: 'items'; readonly id: number; readonly items: PackedItems }
  /** A function in an argument is called. */
  | { readonly type: 'told'; readonly id: number; readonly crossing: number; readonly value: unknown }
  | { readonly type: 'event'; readonly name: string; readonly value: unknown };

const LIBRARY = 'webgpu-diffusion';

/** A message with the mark of this library. Messages without it are the app's own, or another library's, and pass by. */
export const marked = <Message extends object>(message: Message) => ({ ...message, library: LIBRARY });

export const isMarked = (message: unknown): boolean =>
  (message as { readonly library?: unknown } | null | undefined)?.library === LIBRARY;

/** Asks whether the worker listens. Without a mark and the same in all versions, so that each understands it. */
export const HELLO = { type: 'hello' };

/** The worker listens: the answer to each `HELLO`, also sent unasked at its start. As `HELLO`, the same in all versions. */
export const READY = { type: 'ready', version };

// ---------------------------------------------------------------- values in messages

const transfers = new WeakMap<object, Transferable[]>();

/** Marks an argument or a result: its memory in `list` is transferred, not copied. Returns `value`. */
export function transfer<Value extends object>(value: Value, list: Transferable[]): Value {
  transfers.set(value, list);
  return value;
}

export const listTransfers = (...values: readonly unknown[]): Transferable[] =>
  values.flatMap((value) => transfers.get(Object(value)) ?? []);

const arrived = ({ name, message, code }: CrossedError): Error =>
  code ? new EngineError(code, message) : Object.assign(new Error(message), { name });

/** Items in a message: records of the same numbers, one after the other, or whatever there is. */
export interface PackedItems {
  readonly names: readonly string[];
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly others: readonly unknown[];
}

function unpack({ names, numbers, others }: PackedItems): readonly unknown[] {
  if (names.length === 0) return others;
  const row = (i: number) => names.map((name, j) => [name, numbers[i * names.length + j]]);
  return Array.from({ length: numbers.length / names.length }, (_, i) => Object.fromEntries(row(i)));
}

// ---------------------------------------------------------------- the page's side

/** Messages `ready` of another version after which the worker counts as one: the first ones may be the app's own. */
const OTHER_VERSIONS = 3;
/** Seconds without a sign of life until a worker that has had an error is given up. */
const SILENT_SECONDS = 60;

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  /** The functions and signals of its arguments. */
  readonly listeners: readonly unknown[];
  /** Takes items of an iterable. */
  readonly take?: ((items: readonly unknown[]) => void) | undefined;
}

/** An iterator of `items` whose first one begins now. `return` calls `leave` before anything else. */
export function begun<Item>(items: AsyncGenerator<Item>, leave: () => void): AsyncIterableIterator<Item> {
  let first: Promise<IteratorResult<Item>> | undefined = items.next();
  first.catch(() => {});
  return {
    next() {
      const next = first ?? items.next();
      first = undefined;
      return next;
    },
    return() {
      leave();
      return items.return(undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A worker, as seen from a page. */
export class Remote {
  private readonly worker: WorkerLike;
  private readonly client = Math.random();
  /** The calls that the worker has not answered. */
  private readonly pending = new Map<number, Pending>();
  private readonly listeners = new Listeners();
  /** Messages to send when the worker listens; undefined once it does. */
  private waiting: (() => void)[] | undefined = [];
  private otherVersions = 0;
  private calls = 0;
  /** The last call before an error in the worker, after which it has not said anything. */
  private lastBefore: number | undefined;
  /** Ends the wait for an answer to `HELLO`. */
  private unwatch = () => {};
  private ended: EngineError | undefined;

  constructor(worker: WorkerLike) {
    if (typeof worker?.postMessage !== 'function' || typeof worker.addEventListener !== 'function')
      throw argumentError(
        `The worker is of type ${typeName(worker)}; it must be a Worker, or a MessagePort: new Worker(url, { type: 'module' }).`,
      );
    this.worker = worker;
    worker.addEventListener('message', this.receive);
    worker.addEventListener('error', this.fail);
    worker.addEventListener('messageerror', this.fail);
    worker.start?.();
    this.ask();
  }

  /** Calls a function of the worker. An aborted signal in an argument ends the wait for it. */
  call(name: string, args: readonly unknown[]): Promise<unknown> {
    return this.post(name, args).result;
  }

  /**
   * Calls a function that returns an async iterable, which begins at once. It ends when the worker's has ended: after an aborted signal with
   * its reason, after `return` without a word.
   */
  iterate(name: string, [order, ...others]: readonly unknown[]): AsyncIterableIterator<unknown> {
    const items: unknown[] = [];
    let isOver = false;
    let wake = () => {};
    const take = (more: readonly unknown[]) => {
      items.push(...more);
      wake();
    };
    // The worker gets a signal in any case: `return` aborts it.
    const own = { signal: new AbortController().signal, ...Object(order) };
    const { id, result } = this.post(name, [own, ...others], take);
    const over = result.finally(() => {
      isOver = true;
      wake();
      if (own.signal?.aborted) throw own.signal.reason;
    });
    over.catch(() => {});
    const leave = () => {
      if (!isOver) this.send({ type: 'abort', id });
    };
    async function* read() {
      try {
        while (items.length > 0 || !isOver) {
          if (items.length > 0) yield items.shift();
          else await new Promise<void>((resolve) => (wake = resolve));
        }
        await over;
      } finally {
        await over.catch(() => {});
      }
    }
    return begun(read(), leave);
  }

  /** Calls `listener` with each event of this name. Returns a function that ends that. */
  on(name: string, listener: (value: unknown) => void): () => void {
    checkFunctions({ listener: listener ?? null });
    return this.listeners.on(name, listener);
  }

  /** Ends the worker, or what a port exposes. Calls under way, and later ones, reject with `destroyed`. */
  destroy(): void {
    this.end(new EngineError('destroyed', 'This worker client was destroyed; create another worker.'));
  }

  /** Sends a call. `take`: its result is an iterable, which ends after an abort; the wait for another result ends at once. */
  private post(call: string, args: readonly unknown[], take?: Pending['take']) {
    const id = ++this.calls;
    const { plain, listeners, crossings } = taken(args);
    const signals = listeners.filter((each) => each instanceof AbortSignal);
    const abort = ({ target }: Event) => {
      this.send({ type: 'abort', id });
      if (!take) this.settle(id)?.reject((target as AbortSignal).reason);
    };
    const result = new Promise<unknown>((resolve, reject) => {
      if (this.ended) throw this.ended;
      for (const signal of signals) signal.throwIfAborted();
      for (const signal of signals) signal.addEventListener('abort', abort);
      this.pending.set(id, { resolve, reject, listeners, take });
      const request: Request = { type: 'call', id, call, args: plain, crossings, iterates: !!take };
      this.send(request, listTransfers(...args));
    }).finally(() => {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    });
    return { id, result };
  }

  private ask(): void {
    this.worker.postMessage(HELLO, []);
  }

  private send(request: Request, transfer: Transferable[] = []): void {
    const send = () => {
      try {
        this.worker.postMessage(marked({ ...request, client: this.client }), transfer);
      } catch (cause) {
        if (request.type !== 'call') throw cause;
        const message = `${request.call} was given what cannot be sent to a worker: ${(cause as Error).message}`;
        this.settle(request.id)?.reject(argumentError(message, { cause }));
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

  private readonly receive = ({ data }: { readonly data: unknown }): void => {
    if (this.lastBefore !== undefined) this.watch();
    const message = data as Partial<(Answer & { readonly client: number }) | typeof READY> | null;
    if (message?.type === 'ready') this.ready(message as typeof READY);
    else if (isMarked(data)) this.hear(data as Answer & { readonly client?: number });
  };

  private ready(answer: Partial<typeof READY>): void {
    this.unwatch();
    this.lastBefore = undefined;
    if (!this.waiting) return;
    if (answer.version === version) {
      const sends = this.waiting;
      this.waiting = undefined;
      for (const send of sends) send();
    } else if (++this.otherVersions < OTHER_VERSIONS) this.ask();
    else
      this.stop(
        `The worker is of version ${answer.version}, the page of ${version}: the browser has kept one of them from an earlier visit`,
      );
  }

  private hear(answer: Answer & { readonly client?: number }): void {
    if (answer.type === 'event') this.tell(answer.name, answer.value);
    if (answer.type === 'event' || answer.client !== this.client) return;
    const { id } = answer;
    if (answer.type === 'done') this.settle(id)?.resolve(answer.value);
    else if (answer.type === 'failed') this.settle(id)?.reject(arrived(answer.error));
    else if (answer.type === 'items') this.pending.get(id)?.take?.(unpack(answer.items));
    else this.callBack(id, answer);
  }

  /** Calls a caller's function. What it throws ends the call. */
  private callBack(id: number, { crossing, value }: Extract<Answer, { type: 'told' }>): void {
    const pending = this.pending.get(id);
    try {
      (pending?.listeners[crossing] as ((value: unknown) => void) | undefined)?.(value);
    } catch (error) {
      this.send({ type: 'abort', id });
      this.settle(id)?.reject(error);
    }
  }

  private tell(name: string, value: unknown): void {
    this.listeners.tell(name, value);
    for (const { take } of this.pending.values()) take?.([{ ...Object(value), type: name }]);
  }

  private readonly fail = ({ type, message }: { readonly type: string; readonly message?: string }): void => {
    const isUnread = type === 'messageerror';
    let what = this.waiting
      ? `The worker stopped: ${message || 'its program could not be loaded'}`
      : `The worker has an error that it does not catch: ${message || 'it has no message'}`;
    if (isUnread) what = 'A message of the worker could not be read';
    what = what.replace(/\.$/, '');
    if (this.waiting) {
      this.stop(what, 'Give connect a worker that calls expose().');
      return;
    }
    this.tell('warning', { message: `${what}. It goes on.`, run: false });
    if (isUnread) this.send({ type: 'unread', ids: [...this.pending.keys()] });
    if (this.lastBefore !== undefined) return;
    this.lastBefore = this.calls;
    this.ask();
    this.watch();
  };

  /**
   * Gives the worker up after a minute without a message, if it leaves a call unanswered that came after its error: an earlier one may block
   * it for as long as it takes.
   */
  private watch(): void {
    this.unwatch();
    this.unwatch = afterSeconds(SILENT_SECONDS, () => {
      if ([...this.pending.keys()].some((id) => id > this.lastBefore!))
        this.stop('The worker has had an error, and does not answer any more');
      else this.watch();
    });
  }

  /** Ends the client: the worker cannot go on. */
  private stop(why: string, remedy = 'Reload the page.'): void {
    this.end(argumentError(`${why}. ${remedy}`));
    this.tell('stopped', { message: `${why}. Reload the page.` });
  }

  private end(error: EngineError): void {
    if (this.ended) return;
    this.ended = error;
    this.unwatch();
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

/** Takes the signals and functions of arguments out of them. */
function taken(args: readonly unknown[]) {
  const listeners: unknown[] = [];
  const crossings: Crossing[] = [];
  const plain = args.map((arg, at) => {
    if (Object.getPrototypeOf(Object(arg)) !== Object.prototype) return arg;
    const own = { ...(arg as Record<string, unknown>) };
    for (const [key, value] of Object.entries(own)) {
      const isSignal = value instanceof AbortSignal;
      if (!isSignal && typeof value !== 'function') continue;
      delete own[key];
      listeners.push(value);
      crossings.push({ at, key, isSignal });
    }
    return own;
  });
  return { plain, listeners, crossings };
}
