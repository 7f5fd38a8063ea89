/** The page's side of the training worker: a client of the door that every page can use, with the page's own calls and events. */
import {
  createWorkerClient,
  type RunDescription,
  type Samples,
  type WorkerClient,
  type WorkerEvents,
} from '../../../src/worker';
import type { PageCalls } from '../messages/calls';
import type { EventOf, Order, PageEvent, WorkerEvent } from '../messages/messages';
import { startWorker } from './start_worker';

const namesOf = <Name extends string>(names: Readonly<Record<Name, true>>) => Object.keys(names) as Name[];

const pageEvents = namesOf<PageEvent['type']>({
  ...{ adapter: true, data: true, loaded: true, resumed: true, begun: true, heldOut: true, quality: true },
  ...{ rate: true, measuring: true, clock: true, timeUp: true, distilling: true, distilled: true },
  ...{ grid: true, strip: true, timed: true, needsData: true, error: true },
  ...{ reading: true, planned: true, speed: true, nearest: true },
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

type SampleOptions = NonNullable<Parameters<WorkerClient['sample']>[0]>;

/** The client, whose host makes runs of the page's settings, and has networks to sample from. */
export interface TrainingWorker extends Omit<WorkerClient<PageWorker>, 'begin' | 'sample'> {
  begin(given: Record<never, never>): Promise<RunDescription>;
  sample(order: Omit<SampleOptions, 'network'> & { readonly network: Order['source'] }): Promise<Samples>;
}

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
  return client as TrainingWorker;
}
