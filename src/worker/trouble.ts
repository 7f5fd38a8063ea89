/** What a client does about errors in a worker that listens: the worker goes on. Loaded at the first one. */
import { afterSeconds } from '../base/time';
import type { READY, Request } from './protocol';

/** Seconds without a sign of life until the worker is given up. */
const SILENT_SECONDS = 60;

/** A client, as this file needs it. */
interface Client {
  /** The calls that the worker has not answered. */
  readonly pending: ReadonlyMap<number, unknown>;
  /** Sends `HELLO`. */
  ask(): void;
  post(request: Request): void;
  warn(message: string): void;
  stop(why: string): void;
}

export class Trouble {
  private readonly client: Client;
  /** Ends the wait for an answer to `HELLO`. */
  private unwatch: (() => void) | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  /** Reports an event `error` or `messageerror`, and asks the worker whether it still listens. */
  report({ type, message }: { readonly type: string; readonly message?: string }): void {
    const { client } = this;
    const isUnread = type === 'messageerror';
    const what = isUnread
      ? 'A message of the worker could not be read'
      : `The worker has an error that it does not catch: ${message || 'it has no message'}`;
    client.warn(`${what.replace(/\.$/, '')}. It goes on.`);
    if (isUnread) client.post({ type: 'unread', ids: [...client.pending.keys()] });
    if (this.unwatch) return;
    client.ask();
    this.watch();
  }

  /** Call this with each message of the worker. */
  heard(message: unknown): void {
    const { type } = Object(message) as Partial<typeof READY>;
    if (this.unwatch) this.watch(type !== 'ready');
  }

  /** Gives the worker up if nothing comes of it for a while. A call may block it for as long as it takes. */
  watch(on = true): void {
    this.unwatch?.();
    this.unwatch = undefined;
    if (!on) return;
    this.unwatch = afterSeconds(SILENT_SECONDS, () => {
      if (this.client.pending.size > 0) this.watch();
      else this.client.stop('The worker has had an error, and does not answer any more');
    });
  }
}
