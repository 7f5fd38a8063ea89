/**
 * The worker's side: what a client's calls do. A host adds calls of its own by `serve(scope, { calls: { name: (args, context) => … } })`, and
 * events by `context.tell(name, value)`. The page asks by `client.call(name, args)` and hears by `client.on(name, …)`.
 */
import { checkBooleans, checkFunctions, checkNames, EngineError, type Names, typeOf } from '../base/errors';
import { type Answer, type Request, VERSION } from './protocol';
import type { ServeOptions } from './serve_options';

/** A worker's global scope, or a `MessagePort`. */
export interface ScopeLike {
  /** As a worker's. */
  postMessage(message: unknown, transfer: Transferable[]): void;
  /** As a worker's. */
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  /** Of a port. */
  start?(): void;
}

const OPTIONS: Names<ServeOptions> = { images: true, store: true, engine: true, calls: true, host: true };

/**
 * Makes this worker one that `createWorkerClient` can use: trains, samples, keeps the run, and goes on by itself when the device was lost.
 * `scope` is `globalThis`, or a port. Throws `argument` for what is neither.
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
  const post = (answer: Answer, transfer: Transferable[] = []) => port.postMessage(answer, transfer);
  // Later, so that a page without a bundler, which only wants the client, does not load it.
  const server = import('./server').then(({ Server }) => new Server(post, options));
  server.then(
    () => post({ type: 'ready', version: VERSION }),
    (error) =>
      queueMicrotask(() => {
        throw error; // the client hears of it as of any error of a worker
      }),
  );
  port.addEventListener('message', ({ data }: { readonly data: Request }) => {
    void server.then((made) => made.receive(data)).catch(() => {});
  });
  port.start?.();
}
