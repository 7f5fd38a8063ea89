/** What the tests' run gives without a worker, and what a client hears. */
import { expect } from 'vitest';
import { createEngine } from '../../../src';
import type { Gpu } from '../../../src/gpu/gpu';
import type { RunState, WorkerClient } from '../../../src/worker';
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

/** The losses that a client has heard of. */
export function lossesOf(client: Pick<WorkerClient, 'on'>): number[] {
  const all: number[] = [];
  client.on('loss', ({ first, losses }) => all.splice(first, all.length, ...losses));
  return all;
}

/** How many listeners a signal has got, and not lost. */
export function listenersOf(signal: AbortSignal): () => number {
  let count = 0;
  const [add, remove] = [signal.addEventListener, signal.removeEventListener].map((f) => f.bind(signal));
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    count++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count--;
    remove(...args);
  };
  return () => count;
}

/** A worker that trains a tiny network says something more often, also on a busy machine. */
const SILENCE_MS = 60_000;

/** The next event of a name for which `condition` holds. Rejects if the client stops, or the worker is silent. */
export function heard<Name extends Parameters<WorkerClient['on']>[0]>(
  client: Pick<WorkerClient, 'on'>,
  name: Name,
  condition: () => boolean = () => true,
): Promise<void> {
  const next = new Promise<void>((resolve, reject) => {
    const offs: (() => void)[] = [];
    let last = 'nothing';
    const end = (settle: () => void) => {
      clearTimeout(timer);
      for (const off of offs) off();
      settle();
    };
    const never = (why: string) => end(() => reject(new Error(`No ${name}: ${why}`)));
    const late = () => never(`the worker is silent for ${SILENCE_MS / 1000} s; its last event was ${last}`);
    const quietly = () => {
      const timer = setTimeout(late, SILENCE_MS);
      // A timer that no test awaits any more keeps no process alive. Browsers have no `unref`.
      Object(timer).unref?.();
      return timer;
    };
    let timer = quietly();
    for (const each of ['phase', 'progress', 'loss', 'warning', 'lost', 'recovered', 'stored'] as const) {
      const note = (event: object) => {
        last = `${each} ${JSON.stringify(event)}`;
        clearTimeout(timer);
        timer = quietly();
      };
      offs.push(client.on(each, note));
    }
    offs.push(client.on('stopped', ({ message }) => never(message)));
    offs.push(client.on(name, () => condition() && end(resolve)));
  });
  next.catch(() => {}); // for a wait that lost its race
  return next;
}
