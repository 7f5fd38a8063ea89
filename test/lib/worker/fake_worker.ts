/** A worker whose messages a test writes itself, or that serves in the test's own thread. */
import { onTestFinished, vi } from 'vitest';
import { createWorkerClient, serve } from '../../../src/worker';
import type { WorkerLike } from '../../../src/worker/client';
import { READY } from '../../../src/worker/protocol';
import type { ServeOptions } from '../../../src/worker/serve_options';

type Listener = (event: MessageEvent & ErrorEvent) => void;

export class FakeWorker implements WorkerLike {
  /** What the client has sent. */
  readonly heard: unknown[] = [];
  readonly terminate = vi.fn();
  /** The next message of the worker cannot be read. */
  unreadable = false;
  private readonly all = new Map<string, Set<Listener>>();
  private readonly served: ((event: MessageEvent) => void)[] = [];
  /** Its page is gone, where it serves on a port. */
  closes = () => {};

  /** A client of this worker, and what it hears of trouble. */
  client() {
    const client = createWorkerClient<{ calls: { long(): unknown }; events: Record<never, never> }>(this);
    onTestFinished(() => client.destroy());
    const [warnings, stopped] = [vi.fn(), vi.fn()];
    client.on('warning', warnings);
    client.on('stopped', stopped);
    return { client, warnings, stopped };
  }

  postMessage(message: unknown): void {
    this.heard.push(message);
    for (const listener of this.served) queueMicrotask(() => listener({ data: message } as MessageEvent));
  }

  /** Serves. Returns what the worker says. */
  serve(options: ServeOptions): unknown[] {
    const said: unknown[] = [];
    const postMessage = (message: unknown) => {
      said.push(message);
      queueMicrotask(() => {
        if (this.unreadable) this.fires({ type: 'messageerror' });
        else this.says(message);
        this.unreadable = false;
      });
    };
    const addEventListener = (type: string, listener: (event: MessageEvent) => void) => {
      if (type === 'close') this.closes = listener as () => void;
      else this.served.push(listener);
    };
    serve({ postMessage, addEventListener, ...{ onclose: null } }, options);
    return said;
  }

  addEventListener(type: string, listener: Listener): void {
    this.all.set(type, (this.all.get(type) ?? new Set()).add(listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.all.get(type)?.delete(listener);
  }

  /** How many listeners there are. */
  get listeners(): number {
    return [...this.all.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Fires an event of an error. Resolves when the client has heard of it. */
  async errs(event: { readonly type: string; readonly message?: string }): Promise<void> {
    this.fires(event);
    await vi.dynamicImportSettled();
  }

  says(data: unknown): void {
    this.fires({ type: 'message', data });
  }

  fires(event: { readonly type: string; readonly data?: unknown; readonly message?: string }): void {
    for (const listener of this.all.get(event.type) ?? []) listener(event as never);
  }
}

/** A worker that listens, and its client. */
export function listening() {
  const worker = new FakeWorker();
  const made = worker.client();
  worker.says(READY);
  return { worker, ...made };
}
