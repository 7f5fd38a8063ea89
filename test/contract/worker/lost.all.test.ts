/** What a worker does when its device is lost. In Chrome the page loses its device, too: test/page/driven/survival. */
import { describe, expect, test } from 'vitest';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { heard, runAlone, trained } from '../../lib/worker/alone';
import { run, STEPS } from '../../lib/worker/tiny';
import { served, servedRun, type World, type WorldOptions } from '../../lib/worker/world';

const { gpu } = await testGpu();
const { alone, done } = await runAlone(gpu);

/** Trains, and goes on where the run waits. */
async function train({ client, reached }: World, steps?: number) {
  const started = trained(client, { steps });
  await reached;
  return { started };
}

/** A run that is being built, and what its `begin` ends with. */
async function build({ client, reached }: World, signal?: AbortSignal) {
  const begun = client
    .begin(run, { signal })
    .catch(({ name, code }) => (name === 'EngineError' ? code : name));
  await reached;
  return { begun };
}

/** What happens in such a world; after it the run ends as ever. */
type Row = [title: string, options: WorldOptions, story: (world: World) => Promise<unknown>];
const givenUpWhileBegins = (how: 'a pause' | 'an abort'): Row => [
  `while a run begins is no longer asked for after ${how}`,
  { waits: 'building' },
  async (world) => {
    const { client, refuse, loseAndWait, goOn } = world;
    const controller = new AbortController();
    const { begun } = await build(world, controller.signal);
    refuse(1000);
    const lost = loseAndWait();
    goOn();
    await lost;
    if (how === 'a pause') await client.pause();
    else controller.abort();
    expect(await begun).toMatch(how === 'a pause' ? /^(device-lost|no-adapter|destroyed)$/ : /^AbortError$/);
    await expect(trained(client)).rejects.toThrow(/has no run/);
    refuse(0);
    await client.begin(run);
  },
];

const rows: readonly Row[] = [
  [
    'while it trains is replaced, and the run ends with the same bits',
    { waits: 11 },
    async (world) => {
      const { client, refuse, lose } = world;
      const told: unknown[] = [];
      client.on('lost', ({ step, losses, recovers, again }) =>
        told.push([step, [...losses], recovers, again]),
      );
      client.on('recovered', ({ step }) => told.push(step));
      await client.begin(run);
      await trained(client, { steps: 10 });
      const { started } = await train(world);
      refuse(1);
      lose();
      expect(await started).toEqual(done);
      const lost = [10, alone.losses.slice(0, 10), true];
      expect(told).toEqual([[...lost, false], [...lost, true], 10]);
    },
  ],
  [
    'before there is a copy is replaced, as often as it is lost, and the run is made anew from its beginning',
    { waits: 1, times: 2 },
    async ({ client, refuse, lose, stepped }) => {
      await client.begin(run);
      let trains = stepped();
      const started = trained(client);
      for (const tries of [1, 0]) {
        await trains;
        refuse(tries);
        const recovered = heard(client, 'recovered');
        trains = stepped();
        lose();
        await recovered;
      }
      expect(await started).toEqual(done);
    },
  ],
  [
    'loses no steps that were wanted before',
    { waits: 1 },
    async (world) => {
      await world.client.begin(run);
      const { started } = await train(world, 6);
      await world.loseAndWait();
      expect(await started).toMatchObject({ step: 6 });
    },
  ],
  [
    'while a run begins is replaced, and a try may fail before',
    { waits: 'building' },
    async (world) => {
      const { client, refuse, lose, goOn } = world;
      const told: unknown[] = [];
      client.on('lost', ({ step, recovers }) => told.push({ step, recovers }));
      const { begun } = await build(world);
      refuse(1);
      lose();
      goOn();
      expect(await begun).toMatchObject({ step: 0, images: 10 });
      expect(told).toEqual(Array(2).fill({ step: 0, recovers: true }));
    },
  ],
  givenUpWhileBegins('a pause'),
  givenUpWhileBegins('an abort'),
  [
    'because it does not answer any more is replaced',
    { waits: 1, engine: { deadlineSeconds: 0.5 } },
    async (world) => {
      const { client, silence, devices, destroyed, goOn } = world;
      await client.begin(run);
      const { started } = await train(world);
      const lost = heard(client, 'lost');
      silence();
      goOn();
      await lost;
      // The silent device may come to again, with all its memory.
      expect(destroyed.has(devices[0])).toBe(true);
      expect(await started).toEqual(done);
    },
  ],
  [
    'while the run rests is requested again when it is needed',
    {},
    async ({ client, loseAndWait }) => {
      await client.begin(run);
      await trained(client, { steps: 10 });
      const before = await client.save('checkpoint');
      await loseAndWait();
      expect(await client.save('checkpoint')).toEqual(before);
      expect((await client.sample({ count: 1, steps: 2 })).images).toHaveLength(64);
    },
  ],
  [
    'and does not come back can be given up by a pause',
    { waits: 5 },
    async (world) => {
      const { client, refuse, loseAndWait } = world;
      await client.begin(run);
      await trained(client, { steps: 4 });
      // A start that comes after the loss is refused instead.
      const { started } = await train(world);
      refuse(1000);
      await loseAndWait();
      const recovers: boolean[] = [];
      client.on('lost', (event) => recovers.push(event.recovers));
      expect(await client.pause()).toMatchObject({ step: 4, complete: false });
      expect(recovers.at(-1)).toBe(false);
      expect(await started).toMatchObject({ step: 4 });
      await refused(client.sample(), 'no-adapter');
      refuse(0);
    },
  ],
];

describe('a device that is lost', mainlyIn('node'), () => {
  test.each(rows)('%s', async (_, options, story) => {
    const world = served({ losable: true, ...options });
    await story(world);
    expect(await trained(world.client)).toEqual(done);
    expect(world.losses).toEqual(alone.losses);
  });

  test('and holds up the training for another second is replaced', async () => {
    const world: World = await servedRun({
      losable: true,
      async between(_, session) {
        if (world.devices.length > 1) return;
        world.lose();
        const unanswered = new Promise<void>(() => {});
        await session.turn('pictures', ({ trainer }) => trainer!.withGrace(unanswered)).catch(() => {});
      },
    });
    expect(await trained(world.client)).toEqual(done);
    expect(world.losses).toEqual(alone.losses);
  });

  test('leaves the run its present schedule', async () => {
    const change = async ({ client, losses }: World, lose = () => {}) => {
      await trained(client, { steps: 3 });
      lose();
      await client.adjust({ schedule: { warmup: 3, decay: 'cosine', steps: 9, floor: 0.1 } });
      await trained(client);
      // Where the device has taken steps along, it holds for them, too.
      const { scheduleChanges } = loadCheckpoint(await client.save('checkpoint')).settings;
      return { losses, scheduleChanges };
    };
    const losable = await servedRun({ losable: true });
    const lost = heard(losable.client, 'lost');
    const changed = await change(losable, losable.lose);
    await lost;
    expect(changed).toEqual(await change(await servedRun()));
    expect(changed.scheduleChanges).toEqual([3]);
    // The first step after the change has the base rate yet.
    expect(changed.losses[5]).not.toBe(alone.losses[5]);
  });

  test('leaves the run, and its file, the rate that was set', async () => {
    const { client, loseAndWait, losses } = await servedRun({ losable: true });
    await trained(client, { steps: 10 });
    await client.adjust({ learningRate: 0.001 });
    await trained(client, { steps: 5 });
    const checkpoint = await client.save('checkpoint');
    expect(loadCheckpoint(checkpoint).settings.learningRate).toBe(0.001);
    const undisturbed = served();
    await undisturbed.client.resume({ from: checkpoint });
    await trained(undisturbed.client);
    await loseAndWait();
    expect(await trained(client)).toMatchObject({ step: STEPS });
    expect(losses.slice(15)).toEqual(undisturbed.losses);
  });
});
