/**
 * The worker's side: it answers a client's calls. A host adds custom calls by `serve(scope, { calls: { name: (args, context) => … } })`, and
 * events by `context.tell(name, value)`. The page calls `client.call(name, args)` and listens by `client.on(name, …)`.
 */
import { checkBooleans, checkFunctions, checkNames, EngineError, type Names, typeOf } from '../base/errors';
import { type Answer, HELLO, isMarked, marked, READY, type Request } from './protocol';
import type { ServeOptions } from './serve_options';
import type { Server } from './server';
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
  let server: Promise<Server> | undefined;
  const load = () => {
    // Imported here, so that a page without a bundler, which only uses the client, does not load it.
    server ??= import('./server')
      .catch((cause) => {
        server = undefined; // the next call tries again
        throw notLoaded(cause);
      })
      .then(({ Server }) => new Server(post, options));
    return server;
  };
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
  // Newer browsers tell a port that its page is closed, or has crashed.
  if (Reflect.has(port, 'onclose'))
    (port as MessagePort).addEventListener('close', () => receive({ type: 'end' }));
  port.start?.();
  ready();
}

/** As `loaded` of base/load.ts, which a bundle of the client alone would come to hold. */
const notLoaded = (cause: Error) =>
  new EngineError(
    'data',
    `A part of the worker could not be loaded: ${cause.message.replace(/\.$/, '')}. Call again; if that fails, too, reload the page. A service worker cannot load parts: bundle everything to one file.`,
    { cause },
  );
