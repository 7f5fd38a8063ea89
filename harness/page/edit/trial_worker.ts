/** Tries edited shaders on its own device, apart from the training: a device that is lost here does no harm. */
import { createEngine, type Engine } from '../../../src';
import { deviceLostText } from '../../../src/keeping/recoverer';
import { tryShaders } from './trial';
import type { TrialEvent, TrialOrder } from './trial_messages';

const scope = globalThis as unknown as {
  postMessage(event: TrialEvent): void;
  onmessage: ((message: MessageEvent<TrialOrder>) => void) | null;
};

/** One engine for all trials; after a failed trial, the page ends this worker. */
let engine: Promise<Engine> | undefined;

async function runTrial(order: TrialOrder): Promise<void> {
  const { id } = order;
  const tell = (progress: string) => scope.postMessage({ id, progress });
  tell('Starting');
  try {
    // The trial itself finds what is wrong, and more thoroughly than the self-check.
    engine ??= createEngine({ tune: false, selfCheck: false });
    const own = await engine;
    const lost = own.device.lost.then(
      ({ message }) => ({ kind: 'failed', message: deviceLostText(message) }) as const,
    );
    const result = await Promise.race([lost, tryShaders(own, order, tell)]);
    scope.postMessage({ id, result });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    scope.postMessage({ id, result: { kind: 'failed', message } });
  }
}

scope.onmessage = ({ data }) => void runTrial(data);
