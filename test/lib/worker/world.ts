/** A worker in the test's own thread: a client over a channel, devices that can be lost, and points at which its run waits. */
import { onTestFinished } from 'vitest';
import type { TrainingEvent } from '../../../src';
import {
  connect,
  createSession,
  expose,
  type OwnCalls,
  type Session,
  type SessionOptions,
} from '../../../src/worker';
import type { NothingOwn, OwnProtocol } from '../../../src/worker/client';
import { gate } from '../gate';
import { testGpu } from '../gpu';
import { makeHostile } from '../hostile/hostile_device';
import { heard } from './alone';
import { losableGpu } from './losable';
import { images, run } from './tiny';

const { source } = await testGpu();

export interface WorldOptions extends Omit<SessionOptions, 'engine'> {
  readonly engine?: object;
  /** Its devices can be lost. */
  readonly losable?: boolean;
  /** After this step, or while it is built, its run waits once until it is interrupted, or `goOn`: it is not over before the test interferes. */
  readonly waits?: number | 'building';
  /** How often it waits. */
  readonly times?: number;
  /** The calls of its own. */
  readonly calls?: (session: Session) => OwnCalls;
  /** What the loop of the worker does after each step. */
  readonly between?: (event: TrainingEvent, session: Session) => Promise<unknown> | undefined;
}

/** A client of a session in this thread. `reached`: it waits, or has waited. */
export function served<Own extends OwnProtocol = NothingOwn>({
  losable = false,
  waits,
  times = 1,
  calls,
  between,
  engine,
  ...options
}: WorldOptions = {}) {
  const delays = () => {
    reached.open();
    return go.opened;
  };
  const { gpu, ...device } = losableGpu((made) => {
    if (waits !== 'building') return;
    const hostile = makeHostile(made, { delays });
    onTestFinished(() => hostile[Symbol.dispose]());
  });
  const reached = gate();
  const go = gate();
  const { port1, port2 } = new MessageChannel();
  const session = createSession({
    store: false,
    images: () => images,
    engine: { gpu: losable || waits === 'building' ? gpu : source, selfCheck: false, ...engine },
    ...options,
  });
  const losses: number[] = [];
  let stepped = gate();
  const { train } = session;
  session.train = (order) => follow(train.call(session, order));
  async function* follow(steps: AsyncIterable<TrainingEvent>) {
    for await (const event of steps) {
      losses.splice(event.step - 1, losses.length, event.loss);
      stepped.open();
      stepped = gate();
      await between?.(event, session);
      if (typeof waits === 'number' && event.step >= waits && times-- > 0) {
        reached.open();
        const interrupted = (signal: AbortSignal) =>
          new Promise((resolve) => signal.addEventListener('abort', resolve));
        await session.turns
          .take('pictures', (signal) => Promise.race([go.opened, interrupted(signal)]))
          .catch(() => {});
      }
      yield event;
    }
  }
  expose(port2, session, calls?.(session));
  const client = connect<Own>(port1);
  onTestFinished(async () => {
    device.answer();
    await client.close({ keep: false }).catch(() => {});
    client.destroy();
    port2.close();
  });
  /** Loses the last device, and waits until the client knows. */
  const loseAndWait = () => {
    const lost = heard(client, 'lost');
    device.lose();
    return lost;
  };
  return {
    client,
    session,
    losses,
    ...device,
    loseAndWait,
    reached: reached.opened,
    goOn: () => go.open(),
    stepped: () => stepped.opened,
  };
}
export type World = ReturnType<typeof served>;

/** With a run that has begun. */
export async function servedRun(options?: WorldOptions) {
  const world = served(options);
  await world.client.begin(run);
  return world;
}
