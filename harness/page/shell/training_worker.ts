/** The page's side of the training worker: the client of its session, with the page's own calls and events. */
import { connect, type SessionClient, type SessionEvents } from '../../../src/worker';
import type { PageCalls } from '../messages/calls';
import type { EventOfSession, PageMessage, WorkerEvent } from '../messages/messages';
import { startWorker } from './start_worker';

const namesOf = <Name extends string>(names: Readonly<Record<Name, true>>) => Object.keys(names) as Name[];

const events = namesOf<(PageMessage | EventOfSession)['type']>({
  losses: true,
  patch: true,
  pictures: true,
  problem: true,
  progress: true,
  warning: true,
  lost: true,
  recovered: true,
  stored: true,
  notStored: true,
  runs: true,
  stopped: true,
});

/** The calls and events of the page's worker beside its session's. */
interface PageProtocol {
  readonly calls: PageCalls;
  readonly events: {
    readonly [Type in PageMessage['type']]: Omit<Extract<PageMessage, { type: Type }>, 'type'>;
  };
}

export type TrainingWorker = SessionClient<PageProtocol>;

/** Starts the worker. `receive` gets all its events. */
export function startTrainingWorker(receive: (event: WorkerEvent) => void): TrainingWorker {
  const client = connect<PageProtocol>(startWorker('training'));
  for (const name of events) {
    client.on(name, (value: unknown) => {
      const { again } = value as SessionEvents['lost'];
      receive({ ...(value as object), type: name === 'lost' && again ? 'stillLost' : name } as WorkerEvent);
    });
  }
  return client;
}
