/** Workers with threads of their own, which Node has none of. What they compute, worker.all.test.ts shows. */
import { expect, onTestFinished, test } from 'vitest';
import { recipes } from '../../../src';
import { type BeginOptions, createWorkerClient, type Samples, type WorkerClient } from '../../../src/worker';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';
import { heard, lossesOf, runAlone } from '../../lib/worker/alone';
import { run } from '../../lib/worker/tiny';

const { gpu, lane } = await testGpu();
const { alone, done } = await runAlone(gpu);

const examples = import.meta.glob('../../../examples/worker/train.js', { eager: true }) as {
  '../../../examples/worker/train.js': {
    trainAndSample(
      client: WorkerClient,
      options: { run: BeginOptions; steps: number; labels: number[]; show: (text: string) => void },
    ): Promise<Samples>;
  };
};

// Node has no workers of this kind.
if (lane !== 'node') {
  const clientOf = (worker: Worker) => {
    const client = createWorkerClient(worker);
    onTestFinished(() => client.destroy());
    return client;
  };
  const start = () => {
    const worker = new Worker(new URL('../../lib/worker/served.ts', import.meta.url), { type: 'module' });
    const client = clientOf(worker);
    return { client, worker, losses: lossesOf(client) };
  };

  test(
    'a real worker keeps the run and recovers, and another worker goes on with it',
    mainlyIn('firefox'),
    async () => {
      const first = start();
      const stored = heard(first.client, 'stored');
      await first.client.begin(run);
      await first.client.step(10);
      await stored;
      const started = first.client.start();
      first.worker.postMessage('lose'); // at once: after its first loss the run may end before it hears this
      await heard(first.client, 'recovered');
      await first.client.pause();
      first.client.destroy();
      await started.catch(() => {});

      const { client, losses } = start();
      // One that no worker holds any more.
      const kept = new Promise<string>((resolve) => {
        client.on('runs', (runs) => {
          const free = runs.find(({ held, settings }) => !held && settings.seed === run.fit.seed);
          if (free) resolve(free.id);
        });
      });
      await client.runs();
      const resumed = await client.resume({ from: await kept });
      expect([...resumed.losses]).toEqual(alone.losses.slice(0, resumed.step));
      expect(await client.start()).toEqual(done);
      expect(losses).toEqual(alone.losses.slice(resumed.step));
      await client.reset();
    },
  );

  test('an uncaught error in a real worker is a warning with its text, and the run goes on', async () => {
    const { client, worker, losses } = start();
    worker.addEventListener('error', (event) => event.preventDefault()); // else the page has it, too
    const warnings: unknown[] = [];
    client.on('warning', (warning) => warnings.push(warning));
    await client.begin(run);
    const started = client.start();
    worker.postMessage('throw');
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
    const message = expect.stringMatching(/^The worker has an error .*: .*JSON.* It goes on\.$/);
    // The browser may report the error later than the run ends.
    await until(() => warnings.length);
    expect(warnings).toEqual([{ message, run: false }]);
    await client.reset();
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
      ...{ steps: 3, labels: [3, 7], show: (text: string) => shown.push(text) },
    });
    expect(made).toMatchObject({ count: 2, height: 28, width: 28, channels: 1 });
    expect(made.images.some((value) => value > 0 && value < 1)).toBe(true);
    expect(shown.filter((text) => /^step 3: [\d.]+$/.test(text))).toHaveLength(1);
    expect(shown.at(-1)).toMatch(/^step 3: [\d.]+ on the first 100 digits$/);
  });

  test('a SharedWorker trains, and says why it does not keep the run', async () => {
    const shared = new SharedWorker(new URL('../../lib/worker/shared.ts', import.meta.url), {
      type: 'module',
    });
    const client = createWorkerClient(shared.port);
    onTestFinished(() => client.destroy());
    const told = new Promise((resolve) => client.on('notStored', resolve));
    await client.begin(run);
    expect(await client.start()).toEqual(done);
    await client.pause();
    expect(await told).toEqual({ message: expect.stringContaining('not a SharedWorker') });
    await client.reset();
  });

  test('a worker that cannot be loaded is an error of the first call', async () => {
    const client = clientOf(new Worker('/nowhere.js', { type: 'module' }));
    await refused(client.begin(run), 'argument', /worker stopped/);
    await refused(client.start(), 'argument');
  });
}
