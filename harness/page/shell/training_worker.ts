/** The page's side of the training worker: a client of the door that every page can use, with the page's own calls and events. */
import { createWorkerClient, type WorkerClient, type WorkerEvents } from '../../../src/worker';
import type { PageCalls } from '../messages/calls';
import type { EventOf, PageEvent, WorkerEvent } from '../messages/messages';
import { startWorker } from './start_worker';

const namesOf = <Name extends string>(names: Readonly<Record<Name, true>>) => Object.keys(names) as Name[];

const pageEvents = namesOf<PageEvent['type']>({
  ...{ adapter: true, data: true, model: true, resumed: true, begun: true, heldOut: true, quality: true },
  ...{ rate: true, measuring: true, clock: true, timeUp: true, distilling: true, distilled: true },
  ...{ grid: true, strip: true, sampled: true, timed: true, needsData: true, error: true },
  ...{ reading: true, planned: true, unplanned: true, speed: true, nearest: true },
});
const doorEvents = namesOf<keyof WorkerEvents>({
  ...{ progress: true, phase: true, loss: true, warning: true, built: true, freed: true, wentBack: true },
  ...{ lost: true, recovered: true, stored: true, notStored: true, runs: true, stopped: true },
});

/** The calls and events of the page's part of the worker. */
interface PageWorker {
  readonly calls: PageCalls;
  readonly events: { readonly [Type in PageEvent['type']]: Omit<EventOf<Type>, 'type'> };
}

export type TrainingWorker = WorkerClient<PageWorker>;

/** The arguments of a call, and the value that it resolves to. */
export type Given<Name extends keyof PageCalls> = PageCalls[Name] extends (
  args: infer Args,
  ...rest: never[]
) => unknown
  ? undefined extends Args
    ? [args?: Args]
    : [args: Args]
  : never;
export type Answer<Name extends keyof PageCalls> = Awaited<ReturnType<PageCalls[Name]>>;

/** Starts the worker. `receive` gets all its events. */
export function startTrainingWorker(receive: (event: WorkerEvent) => void): TrainingWorker {
  const client = createWorkerClient<PageWorker>(startWorker('training'), { events: pageEvents });
  for (const name of [...pageEvents, ...doorEvents]) {
    client.on(name, (value: unknown) => {
      if (name === 'runs') receive({ type: name, runs: value as WorkerEvents['runs'] });
      else {
        const { again } = value as WorkerEvents['lost'];
        receive({ ...(value as object), type: name === 'lost' && again ? 'stillLost' : name } as WorkerEvent);
      }
    });
  }
  return client;
}
