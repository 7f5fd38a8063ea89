/** A worker in the test's own thread: a client over a channel, devices that can be lost, and points at which its run waits. */
import { onTestFinished } from 'vitest';
import { createWorkerClient, serve } from '../../../src/worker';
import type { CustomProtocol, NoCustomProtocol } from '../../../src/worker/client';
import type { ServeOptions } from '../../../src/worker/serve_options';
import { gate } from '../gate';
import { testGpu } from '../gpu';
import { makeHostile } from '../hostile/hostile_device';
import { heard, lossesOf } from './alone';
import { losableGpu } from './losable';
import { images, run } from './tiny';

const { source } = await testGpu();

export interface WorldOptions extends ServeOptions {
  /** Its devices can be lost. */
  readonly losable?: boolean;
  /** After this step, or while it is built, its run waits once until it is interrupted, or `goOn`: it is not over before the test interferes. */
  readonly waits?: number | 'building';
  /** How often it waits. */
  readonly times?: number;
  /** The events of its own. */
  readonly events?: readonly string[];
}

/** A client of a server in this thread. `reached`: it waits, or has waited. */
export function served<Custom extends CustomProtocol = NoCustomProtocol>({
  losable = false,
  waits,
  times = 1,
  events = [],
  engine,
  ...options
}: WorldOptions = {}) {
  const { gpu, ...device } = losableGpu();
  const [reached, go] = [gate(), gate()];
  const host: ServeOptions['host'] = () => ({
    device({ gpu: { device } }) {
      if (waits !== 'building') return;
      const delays = () => {
        reached.open();
        return go.opened;
      };
      const hostile = makeHostile(device, { delays });
      onTestFinished(() => hostile[Symbol.dispose]());
    },
    async between({ step }, signal) {
      if (typeof waits !== 'number' || step < waits || times-- <= 0) return;
      const interrupted = gate();
      signal.addEventListener('abort', () => interrupted.open());
      reached.open();
      await Promise.race([go.opened, interrupted.opened]);
    },
  });
  const { port1, port2 } = new MessageChannel();
  serve(port2, {
    ...{ store: false, images: () => images, host },
    engine: { gpu: losable ? gpu : source, selfCheck: false, ...engine },
    ...options,
  });
  const client = createWorkerClient<Custom>(port1, { events: events as never });
  onTestFinished(async () => {
    device.answer();
    await client.reset().catch(() => {});
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
    ...{ client, losses: lossesOf(client), ...device, loseAndWait },
    ...{ reached: reached.opened, goOn: () => go.open() },
  };
}
export type World = ReturnType<typeof served>;

/** With a run that has begun. */
export async function servedRun(options?: WorldOptions) {
  const world = served(options);
  await world.client.begin(run);
  return world;
}
