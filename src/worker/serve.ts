/**
 * The worker's side: it answers a client's calls. A host adds custom calls by `serve(scope, { calls: { name: (args, context) => … } })`, and
 * events by `context.tell(name, value)`. The page calls `client.call(name, args)` and listens by `client.on(name, …)`.
 */
import { checkBooleans, checkFunctions, checkNames, EngineError, type Names, typeOf } from '../base/errors';
import { loaded, once } from '../base/load';
import { type Answer, HELLO, isMarked, marked, READY, type Request } from './protocol';
import type { ServeOptions } from './serve_options';
import { crossed } from './transfer';

/** A worker's global scope, or a `MessagePort`. */
export interface ScopeLike {
  /** As a worker's. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As a worker's. */
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  /** A port's. */
  start?(): void;
}

const OPTIONS: Names<ServeOptions> = { images: true, store: true, engine: true, calls: true, host: true };

/**
 * Serves `createWorkerClient`: trains, samples, stores the run, and goes on by itself when the device was lost. `scope` is `globalThis`, or a
 * port. Throws `argument` for anything else.
 */
export function serve(scope: ScopeLike | typeof globalThis, options: ServeOptions = {}): void {
  const port = scope as ScopeLike;
  if (typeof port?.postMessage !== 'function' || typeof port.addEventListener !== 'function') {
    throw new EngineError(
      'argument',
      `serve was given something of type ${typeOf(scope)}; call it in a worker as serve(globalThis), or give a MessagePort.`,
    );
  }
  checkNames('serve', options, OPTIONS);
  checkBooleans({ store: options.store });
  checkFunctions({ images: options.images, ...options.calls });
  const post = (answer: Answer, transfer: Transferable[] = []) => port.postMessage(marked(answer), transfer);
  const ready = () => port.postMessage(READY, []);
  // Imported here, so that a page without a bundler, which only uses the client, does not load it.
  const load = once(async () => {
    const { Server } = await loaded(import('./server'));
    return new Server(post, options);
  });
  load().catch(() => {});
  const receive = (request: Request) =>
    load().then(
      (made) => made.receive(request),
      (error) => 'call' in request && post({ type: 'failed', id: request.id, error: crossed(error) }),
    );
  port.addEventListener('message', ({ data }: { readonly data: Request | typeof HELLO | null }) => {
    if (data?.type === HELLO.type) ready();
    else if (isMarked(data)) void receive(data as Request);
  });
  port.start?.();
  ready();
}
