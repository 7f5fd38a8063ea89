/** What the tests' run gives without a worker, and what a client hears. */
import { expect, vi } from 'vitest';
import { createEngine } from '../../../src';
import type { Gpu } from '../../../src/gpu/gpu';
import type { RunState, SessionClient } from '../../../src/worker';
import type { TrainOrder } from '../../../src/worker/types';
import { images, run, STEPS } from './tiny';

/** What the run gives without a worker, and the state in which it then rests. */
export async function runAlone(gpu: Gpu) {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const unet = await engine.createUNet(run.network, { seed: run.fit.seed });
  const trainer = await engine.createTrainer(unet, run.trainer);
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(await engine.createDataset(images), run.fit)) losses.push(loss);
  const sampler = await engine.createSampler(unet, { count: 2 });
  const samples = await sampler.sample({ steps: 3, seed: 9 });
  const parameters = await unet.getParameters();
  engine.destroy();
  expect(losses).toHaveLength(STEPS);
  const done: RunState = { step: STEPS, loss: losses.at(-1), complete: true };
  return { alone: { losses, samples, parameters }, done };
}

type Trains = Pick<SessionClient, 'train' | 'pause'>;

/** Trains to the end of an iteration, or as long as `goesOn`. Resolves to the state in which the run then rests. */
export async function trained(client: Trains, order?: TrainOrder, losses: number[] = []): Promise<RunState> {
  for await (const { step, loss } of client.train(order) as AsyncIterable<{ step?: number; loss?: number }>)
    if (loss !== undefined) losses.splice(step! - 1, losses.length, loss);
  return client.pause();
}

/** How many listeners a signal has got, and not lost. */
export function listenersOf(signal: AbortSignal): () => number {
  const added = vi.spyOn(signal, 'addEventListener');
  const removed = vi.spyOn(signal, 'removeEventListener');
  return () => added.mock.calls.length - removed.mock.calls.length;
}

/** The next event of a name for which `condition` holds. Rejects if the client stops. */
export function heard<Name extends Parameters<SessionClient['on']>[0]>(
  client: Pick<SessionClient, 'on'>,
  name: Name,
  condition: () => boolean = () => true,
): Promise<void> {
  const next = new Promise<void>((resolve, reject) => {
    const stopped = client.on('stopped', reject);
    const off = client.on(name, () => {
      if (!condition()) return;
      off();
      stopped();
      resolve();
    });
  });
  next.catch(() => {}); // for a wait that lost its race
  return next;
}
