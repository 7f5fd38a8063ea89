/** The side of the worker: lets clients of other threads call a session. */
import { argumentError, checkFunctions, dataError, EngineError, show, typeName } from '../base/errors';
import {
  type Answer,
  type CrossedError,
  HELLO,
  isMarked,
  listTransfers,
  marked,
  type PackedItems,
  READY,
  type Request,
  type ScopeLike,
} from './remote';
import { CALLS, EVENTS, type Session } from './session';
import type { SessionEvents } from './types';

/** Sends an event to all clients. `transfer`: memory to transfer instead of copying it. */
export type TellAny = (name: string, value?: unknown, transfer?: Transferable[]) => void;

/** The second argument of an app's own call. */
export interface CallContext {
  /** Aborts when the client no longer waits for the call. */
  readonly signal: AbortSignal;
  /** Sends an event of the app's own to all clients. `transfer`: memory to transfer instead of copying it. */
  readonly tell: TellAny;
}

/** An app's own calls by name: `client.name(args)` resolves to their result, or rejects with their error. */
export type OwnCalls = Readonly<Record<string, (args: never, context: CallContext) => unknown>>;

/** Calls a function. `signal` aborts when the client no longer waits; an argument that holds a signal holds this one. */
type CallAny = (name: string, args: readonly unknown[], signal: AbortSignal) => unknown;

const exposed = new WeakSet<object>();
/** What a client has beside the session's calls; with a method `then` it would be a promise. */
const OF_CLIENTS = ['on', 'destroy', 'then'];
/** The calls that make a run. */
const OPENING = ['begin', 'resume'];
/** How long items of an iterable wait for each other. */
const GATHER_MS = 100;
const UNREAD =
  'The page could not read the answer of the worker. Memory may be short: close what is not needed, and call again.';

/**
 * Exposes a session, and calls of the app's own beside it, to `connect`. `scope` is `globalThis`, or a port. What the calls do on the GPU
 * belongs in `session.turn`. Throws `argument` for anything else, and for a scope that is exposed already. Returns what sends an event of
 * the app's own to all clients.
 */
export function expose(
  scope: ScopeLike | typeof globalThis,
  session: Session,
  calls: OwnCalls = {},
): TellAny {
  if (typeof session?.turn !== 'function')
    throw argumentError(`expose was given no session, but something of type ${typeName(session)}.`);
  checkFunctions(calls);
  const names: readonly string[] = CALLS;
  const both = [...names, ...OF_CLIENTS].find((name) => Object.hasOwn(calls, name));
  if (both) throw argumentError(`A session has a call ${both} already; give yours another name.`);
  const port = checkScope(scope as ScopeLike);
  const tell: TellAny = (name, value, transfer = []) =>
    port.postMessage(marked({ type: 'event', name, value } satisfies Answer), transfer);
  const call: CallAny = (name, args, signal) => {
    if (names.includes(name))
      return (Reflect.get(session, name) as (...args: unknown[]) => unknown).apply(session, [...args]);
    if (Object.hasOwn(calls, name)) return calls[name](args[0] as never, { signal, tell });
    const legal = [...names, ...Object.keys(calls)].join(', ');
    throw argumentError(`This worker has no call ${show(name)}; it has ${legal}.`);
  };
  const clients = new Map<unknown, Calls>();
  const end = () => {
    for (const calls of clients.values()) calls.end();
    void session.destroy();
  };
  const ready = () => port.postMessage(READY, []);
  port.addEventListener('message', ({ data }: { readonly data: (Request & { client?: unknown }) | null }) => {
    if ((data?.type as string) === HELLO.type) ready();
    if (!data || !isMarked(data)) return;
    if (data.type === 'end') return end();
    const { client } = data;
    const post: Post = (answer, transfer = []) => port.postMessage(marked({ ...answer, client }), transfer);
    const calls = clients.get(client) ?? new Calls(call, () => session.withdraw(), post);
    clients.set(client, calls);
    calls.receive(data);
  });
  // Newer browsers tell a port that its page is closed, or has crashed.
  if (Reflect.has(port, 'onclose')) (port as MessagePort).addEventListener('close', end);
  for (const name of Object.keys(EVENTS) as (keyof SessionEvents)[])
    session.on(name, (value) => tell(name, value));
  port.start?.();
  ready();
  return tell;
}

function checkScope(scope: ScopeLike): ScopeLike {
  if (typeof scope?.postMessage !== 'function' || typeof scope.addEventListener !== 'function')
    throw argumentError(
      `expose was given something of type ${typeName(scope)}; call it in a worker as expose(globalThis, session), or give a MessagePort.`,
    );
  if (exposed.has(scope)) throw argumentError('This scope is exposed already: give all calls to one expose.');
  exposed.add(scope);
  return scope;
}

type Post = (answer: Answer, transfer?: Transferable[]) => void;

/** The calls of one client. */
class Calls {
  private readonly call: CallAny;
  /** The client no longer waited for its run when that was there. */
  private readonly withdraw: () => void;
  private readonly post: Post;
  /** What ends each call under way. */
  private readonly calls = new Map<number, AbortController>();
  /** The last call that has made a run. */
  private opened: number | undefined;

  constructor(call: CallAny, withdraw: () => void, post: Post) {
    this.call = call;
    this.withdraw = withdraw;
    this.post = post;
  }

  receive(request: Request): void {
    if (request.type === 'call') void this.answer(request);
    else if (request.type === 'abort') this.abort(request.id);
    else if (request.type === 'unread') this.answerAgain(request.ids);
  }

  end(): void {
    for (const controller of this.calls.values()) controller.abort();
  }

  private abort(id: number): void {
    this.calls.get(id)?.abort();
    // The answer is under way already.
    if (id === this.opened) this.withdraw();
  }

  /** Answers the calls that are over: the client could not read one of the answers, and waits for it. */
  private answerAgain(ids: readonly number[]): void {
    const error = crossed(dataError(UNREAD));
    for (const id of ids) if (!this.calls.has(id)) this.post({ type: 'failed', id, error });
  }

  private async answer(request: Extract<Request, { type: 'call' }>): Promise<void> {
    const { id, call: name, iterates } = request;
    const controller = new AbortController();
    this.calls.set(id, controller);
    try {
      const { signal } = controller;
      const result = this.call(name, this.argsOf(request, signal), signal);
      if (iterates) await this.send(id, result as AsyncIterable<unknown>);
      const value = iterates ? undefined : await result;
      this.calls.delete(id);
      if (OPENING.includes(name)) this.opened = id;
      if (signal.aborted) this.abort(id);
      this.post({ type: 'done', id, value }, listTransfers(value));
    } catch (error) {
      this.calls.delete(id);
      this.post({ type: 'failed', id, error: crossed(unsent(name, error)) });
    }
  }

  /** The arguments of a call, with its signals and functions. */
  private argsOf({ id, args, crossings }: Extract<Request, { type: 'call' }>, signal: AbortSignal) {
    const own = [...args];
    crossings.forEach(({ at, key, isSignal }, crossing) => {
      const tell = (value: unknown) => this.post({ type: 'told', id, crossing, value }, listTransfers(value));
      own[at] = { ...Object(own[at]), [key]: isSignal ? signal : tell };
    });
    return own;
  }

  /** Sends what an iterable yields as fast as it comes, gathered where much comes at once. */
  private async send(id: number, items: AsyncIterable<unknown>): Promise<void> {
    let gathered: unknown[] = [];
    let sentAt = Number.NEGATIVE_INFINITY;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      clearTimeout(timer);
      timer = undefined;
      if (gathered.length === 0) return;
      sentAt = performance.now();
      const packed = pack(gathered);
      gathered = [];
      this.post({ type: 'items', id, items: packed }, [packed.numbers.buffer]);
    };
    try {
      for await (const item of items) {
        gathered.push(item);
        const wait = sentAt + GATHER_MS - performance.now();
        if (wait <= 0) flush();
        else timer ??= setTimeout(flush, wait);
      }
    } finally {
      flush();
    }
  }
}

/** What a message that could not be sent says. */
function unsent(name: string, error: unknown): unknown {
  if (!(error instanceof DOMException && error.name === 'DataCloneError')) return error;
  const message = `${name} has a result that cannot be sent to the page, a function for instance: ${error.message}`;
  return argumentError(message, { cause: error });
}

function crossed(error: unknown): CrossedError {
  // Anything can be thrown.
  const shown = typeof error === 'object' ? show(error) : String(error);
  const { name = 'Error', message = shown } = Object(error) as Partial<Error>;
  return { name, message, ...(error instanceof EngineError ? { code: error.code } : {}) };
}

function pack(items: readonly unknown[]): PackedItems {
  const names = Object.keys(Object(items[0]));
  const isAlike = (item: unknown) => `${Object.keys(Object(item))}` === `${names}`;
  const numbers = items.flatMap((item) => Object.values(Object(item)));
  if (names.length === 0 || !items.every(isAlike) || !numbers.every((value) => typeof value === 'number'))
    return { names: [], numbers: new Float64Array(), others: items };
  return { names, numbers: Float64Array.from(numbers), others: [] };
}
