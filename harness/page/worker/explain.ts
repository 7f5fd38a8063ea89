/** The Explain view's part of the training worker; loaded at the first request. */
import type { Engine, UNet } from '../../../src';
import { createNetwork } from '../../../src/worker/run';
import { addNoise } from '../../pictures/noise';
import { toBytes } from '../../pictures/pictures';
import type { ExplainAnswer, ExplainOrder, Made, PredictedImages } from '../messages/explain_messages';
import type { Network } from '../messages/order';
import type { Beginning } from '../messages/settings';
import { choiceAt, exampleImages, makeConditions } from './choices';
import type { WorkerState } from './worker_state';

/** The state of the worker, as far as answers depend on it. */
export interface Surroundings
  extends Pick<WorkerState, 'current' | 'trainingImages' | 'networkFrom' | 'initialNetwork'> {
  readonly session: Pick<WorkerState['session'], 'samplers'>;
}

/** From the clean image to nothing but noise. */
const LEVELS = Array.from({ length: 11 }, (_, i) => i / 10);

/** Throws an EngineError whose message gives the reason if there is no answer. */
export function answerExplain(
  order: ExplainOrder,
  engine: Engine,
  state: Surroundings,
): Promise<ExplainAnswer> {
  return order.kind === 'predict' ? predict(order, engine, state) : make(order, engine, state);
}

async function predict(
  { of, began: known, choice, seed }: Extract<ExplainOrder, { kind: 'predict' }>,
  engine: Engine,
  state: Surroundings,
): Promise<PredictedImages> {
  const network = await state.networkFrom(of);
  const { unet, objective } = network;
  const { height, width, channels } = unet.config;
  const choices = exampleImages(await state.trainingImages(), unet.config);
  const { clean, label } = choiceAt(choices, choice);
  const noised = LEVELS.map((level) => addNoise(objective, clean, level, { seed }));
  const input = Float32Array.from(noised.flatMap(({ input }) => [...input]));
  const conditions = makeConditions(
    unet,
    Float32Array.from(LEVELS),
    LEVELS.map(() => label),
  );
  const seenBy = async (asked: UNet) => {
    const output = await asked.predict(input, { count: LEVELS.length, ...conditions });
    return noised.map(({ behind }, i) =>
      toBytes(behind(output.subarray(i * clean.length, (i + 1) * clean.length))),
    );
  };
  const began: Beginning = (of === 'run' && known) || 'new';
  const before = await beforeTraining(began, network, engine, state);
  return {
    kind: 'predicted',
    objective,
    height,
    width,
    channels,
    choices: toBytes(choices.flatMap((each) => [...each.clean])),
    labels: choices.map((each) => each.label),
    clean: toBytes(clean),
    levels: LEVELS,
    noisy: noised.map(({ shown }) => toBytes(shown)),
    before: await seenBy(before),
    after: await seenBy(unet),
    began,
  };
}

/**
 * A network as this one was before it learned anything: what its run began with, or a new one like it. The last one stays: making it anew
 * for each question would take longer than the answer.
 */
async function beforeTraining(
  began: Beginning,
  { unet, objective }: Network,
  engine: Engine,
  state: Surroundings,
): Promise<UNet> {
  const { seed } = state.current;
  const key = JSON.stringify([unet.config, seed, began]);
  const create = async () => {
    const network = began === 'new' ? unet.config : await state.initialNetwork(began);
    const before = await createNetwork(engine, { network, trainer: { objective } }, { seed });
    return { key, unet: before, destroy: () => before.destroy() };
  };
  const untrained = await state.session.samplers.reuse('before training', (last) => last.key === key, create);
  return untrained.unet;
}

/** Many, so that one sees how noise becomes an image. */
const STEPS = { tutorial: 50, flow: 20 };

async function make(
  { of, label, seed }: Extract<ExplainOrder, { kind: 'make' }>,
  engine: Engine,
  state: Surroundings,
): Promise<Made> {
  const { unet, objective } = await state.networkFrom(of);
  const { height, width, channels, conditioning } = unet.config;
  const { classes = 0 } = conditioning ?? {};
  const steps = STEPS[objective];
  using sampler = await engine.createSampler(unet, { count: 1 });
  const x: Uint8Array[] = [];
  const predictions: Uint8Array[] = [];
  const labels = classes > 0 ? { labels: [label % classes] } : {};
  const method = objective === 'flow' ? 'euler' : 'mix';
  for await (const event of sampler.run({ steps, method, polish: false, seed, ...labels })) {
    x.push(toBytes(event.input));
    predictions.push(toBytes(event.prediction));
    if (event.step === steps - 1) x.push(toBytes(event.x));
  }
  return { kind: 'made', objective, height, width, channels, byClass: classes > 0, x, predictions };
}
