/** Runs one check, benchmark or measurement of a training step on its own device, apart from the training, and reports results as they come. */
import { createEngine, type Engine } from '../../../src';
import { deviceLostText } from '../../../src/keeping/recoverer';
import { measureStep } from '../../bench/measure_step';
import { runBench } from '../../bench/run';
import { runCheck } from '../../run/check';
import { variantsInUse } from '../../run/in_use';
import type { MeasureEvent, MeasureTask } from './measure';

const scope = globalThis as unknown as {
  postMessage(event: MeasureEvent): void;
  onmessage: ((message: MessageEvent<MeasureTask>) => void) | null;
};

async function run(task: MeasureTask): Promise<void> {
  const tune = task.tune === 'auto' ? undefined : task.tune === 'on';
  // Check and bench find errors themselves, and more thoroughly; the measurement makes an engine of its own on this device.
  const engine = await createEngine({ tune, selfCheck: false });
  // Reported before the error of the running work: the page ends this worker at its first report of a failure.
  void engine.device.lost.then(({ reason, message }) => {
    if (reason === 'destroyed') return;
    scope.postMessage({ kind: 'error', message: `${deviceLostText(message)} Press the button again.` });
  });
  if (task.name === 'measurement')
    await measureStep(engine, { ...task, tune }, (event) => scope.postMessage({ kind: 'event', event }));
  else for await (const event of eventsOf(engine, task)) scope.postMessage({ kind: 'event', event });
  engine.destroy();
  scope.postMessage({ kind: 'end' });
}

function eventsOf(engine: Engine, { name, ...task }: MeasureTask) {
  if (name === 'check') {
    const { recipe, variants } = task;
    const [batch] = task.batches;
    const { software } = engine.adapter;
    const { features } = engine.device;
    const inUse = variantsInUse({ network: { recipe }, batch, software, features, variants });
    return runCheck(engine, { kernel: task.kernel, inUse });
  }
  const ran = { runtime: navigator.userAgent, commit: import.meta.env.COMMIT };
  return runBench(engine, { ...task, budgetSeconds: task.budget, ...ran });
}

scope.onmessage = ({ data }) => {
  run(data).catch((error: unknown) => {
    scope.postMessage({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
  });
};
