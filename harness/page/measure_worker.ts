/** Runs one check or one benchmark on its own device, apart from the training, and reports results as they come. */
import { createEngine } from '../../src';
import { deviceLostText } from '../../src/worker/lost_text';
import { runBench } from '../bench/run';
import { runCheck } from '../run/check';
import type { MeasureEvent, MeasureTask } from './measure';

const scope = globalThis as unknown as {
  postMessage(event: MeasureEvent): void;
  onmessage: ((message: MessageEvent<MeasureTask>) => void) | null;
};

async function run(task: MeasureTask): Promise<void> {
  // Both find errors themselves, and more thoroughly.
  const tune = task.tune === 'auto' ? undefined : task.tune === 'on';
  const engine = await createEngine({ tune, selfCheck: false });
  // Reported before the error of the running work: the page ends this worker at its first report of a failure.
  void engine.device.lost.then(({ reason, message }) => {
    if (reason === 'destroyed') return;
    const again = `Press ${task.name === 'bench' ? 'Bench' : 'Check'} to measure anew.`;
    scope.postMessage({ kind: 'error', message: `${deviceLostText(message)} ${again}` });
  });
  const events =
    task.name === 'bench'
      ? runBench(engine, {
          batch: task.batch,
          kernel: task.kernel,
          sweep: task.sweep,
          budgetSeconds: task.budget,
          runtime: navigator.userAgent,
        })
      : runCheck(engine, { kernel: task.kernel });
  for await (const event of events) scope.postMessage({ kind: 'event', event });
  engine.destroy();
  scope.postMessage({ kind: 'end' });
}

scope.onmessage = ({ data }) => {
  run(data).catch((error: unknown) => {
    scope.postMessage({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
  });
};
