/** A worker whose messages a test writes itself, or that exposes calls in the test's own thread. */
import { onTestFinished, vi } from 'vitest';
import { connect, createSession, expose, type OwnCalls } from '../../../src/worker';
import { READY, type WorkerLike } from '../../../src/worker/remote';

type Listener = (event: MessageEvent & ErrorEvent) => void;

export class FakeWorker implements WorkerLike {
  /** What the client has sent. */
  readonly heard: unknown[] = [];
  readonly terminate = vi.fn();
  /** The next message of the worker cannot be read. */
  unreadable = false;
  private readonly all = new Map<string, Set<Listener>>();
  private readonly exposed: Listener[] = [];
  /** Its page is gone, where it is a port. */
  closes = () => {};

  /** A client of this worker, and what it hears of trouble. */
  client() {
    const client = connect<{ calls: { long(args?: unknown): unknown }; events: { news: unknown } }>(this);
    onTestFinished(() => client.destroy());
    const warnings = vi.fn();
    const stopped = vi.fn();
    client.on('warning', warnings);
    client.on('stopped', stopped);
    return { client, warnings, stopped };
  }

  postMessage(message: unknown): void {
    this.heard.push(message);
    for (const listener of this.exposed) queueMicrotask(() => listener({ data: message } as never));
  }

  /** Exposes a session, and these calls. `said`: what the worker says. */
  expose(calls: OwnCalls, session = createSession({ store: false })) {
    const said: unknown[] = [];
    const postMessage = (message: unknown, transfer: Transferable[]) => {
      const copy = structuredClone(message, { transfer });
      said.push(copy);
      const event = this.unreadable ? { type: 'messageerror' } : { type: 'message', data: copy };
      this.unreadable = false;
      queueMicrotask(() => this.fires(event));
    };
    const addEventListener = (type: string, listener: Listener) => {
      if (type === 'close') this.closes = listener as () => void;
      else this.exposed.push(listener);
    };
    const scope = { postMessage, addEventListener, onclose: null };
    expose(scope, session, calls);
    return { said, session, scope };
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
