/** Runs one check or bench on its own device, apart from the training, and reports results as they come. */
import { createEngine } from '../../../src';
import { deviceLostText } from '../../../src/keeping/recoverer';
import { runBench } from '../../bench/run';
import { runCheck } from '../../run/check';
import { variantsInUse } from '../../run/in_use';
import type { MeasureEvent, MeasureTask } from './measure';

const scope = globalThis as unknown as {
  postMessage(event: MeasureEvent): void;
  onmessage: ((message: MessageEvent<MeasureTask>) => void) | null;
};

async function runTask(task: MeasureTask): Promise<void> {
  const tune = task.tune === 'auto' ? undefined : task.tune === 'on';
  // Check and bench find errors themselves, and more thoroughly.
  const engine = await createEngine({ tune, selfCheck: false });
  // Reported before the error of the running work: the page ends this worker at its first report of a failure.
  void engine.device.lost.then(({ reason, message }) => {
    if (reason === 'destroyed') return;
    scope.postMessage({ kind: 'error', message: `${deviceLostText(message)} Press the button again.` });
  });
  const pass = (event: Extract<MeasureEvent, { kind: 'event' }>['event']) =>
    scope.postMessage({ kind: 'event', event });
  const { kernel, recipe, variants } = task;
  if (task.name === 'bench') {
    const ran = { runtime: navigator.userAgent, commit: import.meta.env.COMMIT };
    await runBench(engine, { ...task, ...ran }, pass);
  } else {
    const [batch] = task.batches;
    const { software } = engine.adapter;
    const { features } = engine.device;
    const inUse = variantsInUse({ network: { recipe }, batch, software, features, variants });
    // The page's own engine, too, is to trust what is found now, and nothing else.
    await engine.forget();
    for await (const event of runCheck(engine, { kernel, inUse })) pass(event);
  }
  scope.postMessage({ kind: 'end', report: await engine.report() });
  engine.destroy();
}

scope.onmessage = ({ data }) => {
  runTask(data).catch((error: unknown) => {
    scope.postMessage({ kind: 'error', message: error instanceof Error ? error.message : String(error) });
  });
};
