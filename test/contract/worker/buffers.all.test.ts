/** What a worker holds on its device. */
import { describe, expect, test } from 'vitest';
import type { SessionClient } from '../../../src/worker';
import { watchBuffers } from '../../lib/buffers';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { trained } from '../../lib/worker/alone';
import { run } from '../../lib/worker/tiny';
import { served, servedRun } from '../../lib/worker/world';

const { gpu } = await testGpu();

/** The file of a network. */
async function savedModel(): Promise<Uint8Array> {
  const { client } = await servedRun();
  return client.save();
}

describe('a worker holds no buffers of before', () => {
  const count = { steps: 1, seed: 1 };

  test.each<[what: string, again: (client: SessionClient, model: Uint8Array) => Promise<unknown>]>([
    ['other numbers of samples', (client) => client.sample({ ...count, count: 1 })],
    ['another model', (client, model) => client.load(model)],
    [
      'another model that is sampled from',
      (client, model) => client.load(model).then(() => client.sample({ ...count, network: 'model' })),
    ],
    ['going back to a copy', (client) => trained(client, { steps: 2 }).then(() => client.goBack())],
    ['another run', (client) => client.close({ keep: false }).then(() => client.begin(run))],
    ['saving files', (client) => client.save('checkpoint').then(() => client.save('model'))],
  ])('after %s', async (_, again) => {
    const model = await savedModel();
    const left = watchBuffers(gpu.device);
    const { client } = await servedRun();
    // Each network has a sampler.
    const settle = async () => {
      await trained(client, { steps: 1 });
      for (const network of ['run', 'model'] as const) await client.sample({ ...count, network, count: 4 });
      return left().sort();
    };
    await trained(client, { steps: 1 });
    await client.load(model);
    await again(client, model);
    const first = await settle();
    for (let times = 0; times < 2; times++) {
      await again(client, model);
      expect(await settle()).toEqual(first);
    }
    await client.close({ keep: false });
    const { length } = left();
    await client.load(model);
    expect(left().length).toBeLessThan(length);
  });

  test('when its run is closed', async () => {
    // What the engine keeps for every run is there already.
    const { client } = await servedRun();
    await trained(client, { steps: 1 });
    await client.close({ keep: false });
    const left = watchBuffers(gpu.device);
    await client.begin(run);
    await trained(client, { steps: 1 });
    await client.sample(count);
    expect(left()).not.toEqual([]);
    await client.close({ keep: false });
    expect(left()).toEqual([]);
  });

  test('when its device was lost', mainlyIn('node'), async () => {
    const { client, loseAndWait, devices } = served({ losable: true });
    const model = await savedModel();
    await client.load(model);
    const left = watchBuffers(devices[0]);
    await client.load(model);
    await client.begin(run);
    await trained(client, { steps: 1 });
    for (const network of ['run', 'model'] as const) await client.sample({ ...count, network });
    expect(left()).not.toEqual([]);
    await loseAndWait();
    expect(left()).toEqual([]);
    expect((await client.sample({ ...count, network: 'model', count: 1 })).images).toHaveLength(64);
    await trained(client, { steps: 1 });
  });
});
