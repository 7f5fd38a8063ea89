/** Workers with threads of their own, which Node has none of. What they compute, worker.all.test.ts shows. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { recipes } from '../../../src';
import { type BeginOptions, connect, type Samples, type SessionClient } from '../../../src/worker';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';
import { heard, runAlone, trained } from '../../lib/worker/alone';
import { run } from '../../lib/worker/tiny';

const { gpu, lane } = await testGpu();
const { alone, done } = await runAlone(gpu);

const examples = import.meta.glob('../../../examples/worker/train.js', { eager: true }) as {
  '../../../examples/worker/train.js': {
    trainAndSample(
      client: SessionClient,
      options: { run: BeginOptions; steps: number; labels: number[]; show: (text: string) => void },
    ): Promise<Samples>;
  };
};

// Node has no workers of this kind.
if (lane !== 'node') {
  const clientOf = (worker: Worker | MessagePort) => {
    const client = connect(worker);
    onTestFinished(() => client.destroy());
    return client;
  };
  const start = () => {
    const worker = new Worker(new URL('../../lib/worker/served.ts', import.meta.url), { type: 'module' });
    return { client: clientOf(worker), worker };
  };

  test(
    'a real worker keeps the run and recovers, and another worker goes on with it',
    mainlyIn('firefox'),
    async () => {
      const first = start();
      const stored = heard(first.client, 'stored');
      await first.client.begin(run);
      await trained(first.client, { steps: 10 });
      await stored;
      const started = trained(first.client);
      first.worker.postMessage('lose'); // at once: after its first step the run may end before it hears this
      await heard(first.client, 'recovered');
      await first.client.pause();
      first.client.destroy();
      await started.catch(() => {});

      const { client } = start();
      // One that no worker holds any more.
      const kept = new Promise<string>((resolve) => {
        client.on('runs', ({ runs }) => {
          const free = runs.find(({ held, settings }) => !held && settings.seed === run.fit.seed);
          if (free) resolve(free.id);
        });
      });
      await client.runs();
      const resumed = await client.resume({ from: await kept });
      const losses = [...resumed.losses];
      expect(await trained(client, {}, losses)).toEqual(done);
      expect(losses).toEqual(alone.losses);
      await client.close({ keep: false });
    },
  );

  test('an uncaught error in a real worker is a warning with its text, and the run goes on', async () => {
    const { client, worker } = start();
    worker.addEventListener('error', (event) => event.preventDefault()); // else the page has it, too
    const warnings: unknown[] = [];
    client.on('warning', (warning) => warnings.push(warning));
    await client.begin(run);
    const losses: number[] = [];
    const started = trained(client, {}, losses);
    worker.postMessage('throw');
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
    const message = expect.stringMatching(/^The worker has an error .*: .*JSON.* It goes on\.$/);
    // The browser may report the error later than the run ends.
    await until(() => warnings.length);
    expect(warnings).toEqual([{ message, run: false }]);
    await client.close({ keep: false });
  });

  test('the example worker trains and samples', mainlyIn('firefox'), async () => {
    const { trainAndSample } = examples['../../../examples/worker/train.js'];
    const worker = new Worker(new URL('../../../examples/worker/worker.js', import.meta.url), {
      type: 'module',
    });
    const shown: string[] = [];
    const network = { ...recipes.digits.network, widths: [4, 4], convolutionsPerLevel: 1 };
    const trainer = { ...recipes.digits.trainer, batchSize: 8 };
    const made = await trainAndSample(clientOf(worker), {
      run: { network, trainer, fit: { epochs: 1 }, sampling: recipes.digits.sampling },
      steps: 3,
      labels: [3, 7],
      show: (text: string) => shown.push(text),
    });
    expect(made).toMatchObject({ count: 2, height: 28, width: 28, channels: 1 });
    expect(made.images.some((value) => value > 0 && value < 1)).toBe(true);
    expect(shown.filter((text) => /^step 3: [\d.]+$/.test(text))).toHaveLength(1);
    expect(shown.at(-1)).toMatch(/^step 3: [\d.]+ on the first 100 digits$/);
  });

  test('a SharedWorker trains for each port a run of its own, and says why it does not keep it', async () => {
    const shared = () =>
      new SharedWorker(new URL('../../lib/worker/shared.ts', import.meta.url), { type: 'module' });
    const [client, other] = [shared(), shared()].map(({ port }) => clientOf(port));
    const told = new Promise((resolve) => client.on('notStored', resolve));
    const theirs = vi.fn();
    other.on('notStored', theirs);
    await client.begin(run);
    expect(await trained(client)).toEqual(done);
    expect(await told).toEqual({ message: expect.stringContaining('not a SharedWorker') });
    await refused(other.save(), 'argument', /has no run/);
    await other.begin(run);
    await client.close({ keep: false });
    expect(theirs).not.toHaveBeenCalled();
    expect(await trained(other)).toEqual(done);
    await other.close({ keep: false });
  });

  test('a worker that cannot be loaded is an error of the first call', async () => {
    const client = clientOf(new Worker('/nowhere.js', { type: 'module' }));
    await refused(client.begin(run), 'argument', /worker stopped/);
    await refused(trained(client), 'argument');
  });
}
