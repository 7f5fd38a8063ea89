import type { Abortable } from '../base/abort';
import type { TrainingEvent } from '../training/options';
import { Remote, type WorkerLike } from './remote';
import type { CALLS, Session } from './session';
import type { RunChanges, SessionEvents, TrainOrder } from './types';

/** The types of what an app adds to a worker: the calls of `expose(scope, session, calls)`, and the events that they send. */
export interface OwnProtocol {
  /** The calls: `typeof calls`, for instance. */
  readonly calls: object;
  /** The value of each event, by its name. */
  readonly events: object;
}

/** Nothing of an app's own. */
export type NothingOwn = Record<'calls' | 'events', Record<never, never>>;

/** An app's own call, as its client sees it. */
type OwnCall<Call> = Call extends (args: infer Args, ...rest: never[]) => infer Result
  ? undefined extends Args
    ? (args?: Args, options?: Abortable) => Promise<Awaited<Result>>
    : (args: Args, options?: Abortable) => Promise<Awaited<Result>>
  : never;

/** An event of the session in the iteration of `train`: its value, and its name as `type`. It has no loss. */
export type EventInIteration = {
  readonly [Name in keyof SessionEvents]: {
    readonly type: Name;
    readonly step?: number;
    readonly loss?: undefined;
  } & Omit<SessionEvents[Name], 'type' | 'loss'>;
}[keyof SessionEvents];
/** What the iteration of `train` yields: steps, which have no `type`, and events. */
export type TrainingNews = (TrainingEvent & { readonly type?: undefined }) | EventInIteration;

/**
 * A session in a worker. Calls reject with the worker's errors: EngineErrors with their codes. Arguments and results are copied; memory in
 * arguments moves by `transfer`. One run at a time; the worker answers calls in their order, and training goes on between them.
 */
export type SessionClient<Own extends OwnProtocol = NothingOwn> = SessionCalls<Own> & {
  readonly [Name in keyof Own['calls']]: OwnCall<Own['calls'][Name]>;
};

/** The calls of a session, as a client makes them. */
export interface SessionCalls<Own extends OwnProtocol = NothingOwn>
  extends Pick<Session, Exclude<(typeof CALLS)[number], 'train' | 'adjust'>> {
  /**
   * Trains, from the call on, and yields the steps and the session's events. The worker waits for no reader: a late one gets all that
   * waits. An abort ends it with its reason; a `pause`, and the end of the loop, as a matter of course. See `Session.train`.
   */
  train(order?: TrainOrder): AsyncIterableIterator<TrainingNews>;
  /** See `Session.adjust`. */
  adjust(changes: RunChanges): Promise<void>;
  /** Calls `listener` with each event of this name, an app's own included. Returns a function that ends that. */
  on<Name extends keyof (SessionEvents & Own['events']) & string>(
    name: Name,
    listener: (value: (SessionEvents & Own['events'])[Name]) => void,
  ): () => void;
  /** Ends the worker, or on a port its session. Calls under way, and later ones, reject with `destroyed`. */
  destroy(): void;
  /** The same, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Connects to a worker that calls `expose`. The worker may still be loading: calls wait for it. `Own`: the types of what the app adds to it.
 */
export function connect<Own extends OwnProtocol = NothingOwn>(worker: WorkerLike): SessionClient<Own> {
  const remote = new Remote(worker);
  const own = {
    on: (name: string, listener: (value: unknown) => void) => remote.on(name, listener),
    train: (order: TrainOrder = {}) => remote.iterate('train', [order]),
    destroy: () => remote.destroy(),
    [Symbol.dispose]: () => remote.destroy(),
  };
  return new Proxy(own, {
    get(_, name) {
      if (typeof name === 'symbol' || name === 'then' || name in own) return Reflect.get(own, name);
      return (...args: unknown[]) => remote.call(name, args);
    },
  }) as unknown as SessionClient<Own>;
}
