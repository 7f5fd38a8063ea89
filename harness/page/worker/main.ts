/** The training worker: the page never waits for the GPU, and a hidden page trains at full speed. */
import type { Command, WorkerEvent } from '../protocol';
import { Session } from './host';

// TypeScript has no type for a worker's global scope in a project that also uses the page's.
const scope = globalThis as unknown as {
  postMessage(event: WorkerEvent, transfer?: Transferable[]): void;
  onmessage: ((message: MessageEvent<Command>) => void) | null;
};

const session = new Session((event, transfer = []) => scope.postMessage(event, transfer));
scope.onmessage = ({ data }) => session.handle(data);
