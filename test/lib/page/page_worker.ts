/** The page's worker in a test's own thread, without a GPU, and runs on no device. */
import { onTestFinished, vi } from 'vitest';
import type { Patch } from '../../../harness/page/messages/messages';
import { initialFor } from '../../../harness/page/messages/settings';
import type { TrainingWorker } from '../../../harness/page/shell/training_worker';
import { PageWorker } from '../../../harness/page/worker/page_worker';
import { type Engine, EngineError, type TrainingEvent, type UNet } from '../../../src';
import { connect } from '../../../src/worker';
import type { TrainingRun } from '../../../src/worker/run';
import type { TurnKind } from '../../../src/worker/turns';
import { gate } from '../gate';
import { until } from '../until';

type CreateEngine = (options: object) => Promise<Engine>;

/** The page's worker, its client, and what it tells. `createEngine` makes its engines; else there is no GPU. */
export async function pageWorker(createEngine?: CreateEngine) {
  const { port1, port2 } = new MessageChannel();
  const said: { readonly name: string; readonly value: unknown }[] = [];
  const post = port2.postMessage.bind(port2) as (message: unknown, transfer: Transferable[]) => void;
  const scope = Object.assign(port2, {
    postMessage(message: { readonly type: string }, transfer: Transferable[]) {
      if (message.type === 'event') said.push(message as never);
      post(message, transfer);
    },
  });
  const { session, state } = new PageWorker(scope as MessagePort, false);
  const { turns } = session;
  const parts = await session.parts();
  if (createEngine)
    vi.spyOn(session, 'parts').mockResolvedValue({ ...parts, createEngine: createEngine as never });
  const client = connect(port1) as unknown as TrainingWorker;
  onTestFinished(() => {
    client.destroy();
    port2.close();
  });
  const open = (settings = initialFor('digits'), digits = false) =>
    client.open({ settings, visible: true, losses: [], digits });
  /** Nothing is done any more, or waits for its turn. */
  const rests = () => until(() => !turns.doing);
  /** Does something until its turn is ended, or `end` is called. */
  const present = (kind: TurnKind) => {
    const over = vi.fn<(isEnded: boolean) => void>();
    const { open: end, opened } = gate();
    const work = async (signal: AbortSignal) => {
      signal.addEventListener('abort', () => end());
      await opened;
      signal.throwIfAborted();
    };
    turns.take(kind, work).then(
      () => over(false),
      () => over(true),
    );
    return { over, end };
  };
  /** The values of this event. */
  const told = (event: string) => said.flatMap(({ name, value }) => (name === event ? [value] : []));
  /** The values that this field of the patches has had. */
  const patched = <Name extends keyof Patch>(name: Name) =>
    told('patch').flatMap((value) => {
      const { patch } = value as { readonly patch: Patch };
      return name in patch ? [patch[name]] : [];
    });
  /** Whether training is wanted. */
  const trains = () => patched('training').at(-1);
  return { session, state, turns, client, open, rests, present, told, patched, trains };
}

/** An engine whose samplers are of `samplers`, and what loses its device. */
export function engineWithout(samplers: object = {}) {
  const { open, opened: lost } = gate<{ readonly reason: string; readonly message: string }>();
  const sampler = { seed: 1, destroy() {}, sample: async () => new Float32Array(1), ...samplers };
  const createSampler = async (unet: UNet, { count }: { readonly count: number }) => ({
    ...sampler,
    unet,
    count,
  });
  const createDataset = async () => ({ destroy() {} });
  const engine = { adapter: { software: true }, gpu: { lost }, createSampler, createDataset, destroy() {} };
  return {
    engine: engine as unknown as Engine,
    lose: () => open({ reason: 'unknown', message: 'It is gone.' }),
  };
}

/** A run that has made these steps and goes on as the test says. `kept`: the steps of its copy; it is on the device after `built`. */
export function runOf(
  steps: number,
  {
    end = Number.POSITIVE_INFINITY,
    kept = 0,
    built = Promise.resolve(),
    evaluate = async (_: unknown, __: { readonly signal: AbortSignal }): Promise<unknown> => undefined,
  } = {},
) {
  const unet = { config: { height: 1, width: 1, channels: 1 } } as UNet;
  let next = gate();
  let gone = gate();
  const losses: number[] = new Array(steps).fill(1);
  const run = {
    losses,
    end,
    objective: 'tutorial',
    stepsPerEpoch: 10,
    trainer: undefined as object | undefined,
    unet,
    network: async () => unet,
    settings: { batchSize: 1, seed: 1 },
    images: { count: 10 },
    get complete() {
      return losses.length >= end;
    },
    async build() {
      await built;
      run.trainer = { steps: losses.length, evaluate };
    },
    describe: () => ({ built: losses.length }),
    async *train({ steps, signal }: { readonly steps: number; readonly signal: AbortSignal }) {
      for (let made = 0; made < steps; made++) {
        const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        const { trainer } = run;
        await Promise.race([next.opened, aborted, gone.opened]);
        next = gate();
        signal.throwIfAborted();
        if (run.trainer !== trainer) throw new EngineError('device-lost', 'It is gone.');
        const learningRate = 1;
        const gradientNorm = 1;
        const imagesPerSecond = 1;
        const event: TrainingEvent = {
          step: losses.length + 1,
          epoch: 1,
          loss: 1,
          learningRate,
          gradientNorm,
          imagesPerSecond,
        };
        yield event;
      }
    },
    add: (loss: number) => void losses.push(loss),
    adjust() {},
    takeCheckpoint: async () => Float32Array.from(losses),
    free() {
      run.trainer = undefined;
      gone.open();
      gone = gate();
    },
    rewind: () => losses.splice(kept),
  };
  /** It makes another step. */
  const step = async () => {
    const { length } = losses;
    next.open();
    await until(() => losses.length > length);
  };
  return { run: run as unknown as TrainingRun, step };
}
