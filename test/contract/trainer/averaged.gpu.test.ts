/** Training that leaves the moving average of the weights in the UNet. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { createEngine } from '../../../src/engine';
import type { TrainerOptions } from '../../../src/training/options';
import type { Trainer } from '../../../src/training/trainer';
import type { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, furthest, submit } from '../../lib/on_gpu';
import { BATCH, batchOf, images, network } from '../../lib/small_trainer';

const { gpu } = await testGpu();
const { queue } = gpu.device;
const engine = await createEngine({ device: gpu.device, selfCheck: false });
afterAll(() => engine.destroy());

const options = { batchSize: BATCH, learningRate: 0.01, average: {} };
const batch = batchOf(3);
const dataset = await engine.createDataset(images);
const noisy = bufferOf(gpu, batch.noisy);
const target = bufferOf(gpu, batch.target);
const other = await engine.createUNet(network, { seed: 6 });
const otherWeights = await other.getParameters();

/** Records a step on `batch` into an encoder of its own. */
function recorded(trainer: Trainer): GPUCommandEncoder {
  const encoder = gpu.device.createCommandEncoder();
  trainer.encodeStep(encoder, { noisy, target });
  return encoder;
}
const submitted = (encoder: GPUCommandEncoder) => queue.submit([encoder.finish()]);
const refuseNext = () =>
  vi.spyOn(queue, 'submit').mockImplementationOnce(() => {
    throw new TypeError('refused');
  });

async function withTrainer<T>(
  settings: TrainerOptions,
  work: (trainer: Trainer, unet: UNet) => Promise<T>,
): Promise<T> {
  using unet = await engine.createUNet(network, { seed: 5 });
  using trainer = await engine.createTrainer(unet, settings);
  return await work(trainer, unet);
}

const twoSteps = async (trainer: Trainer) => [await trainer.step(batch), await trainer.step(batch)];

test.each([
  [{}, 0, [1 / 10, 2 / 11, 3 / 12, 4 / 13]],
  // (1 + 2) / (1 + 11), then 4 / 13, which is more than the most.
  [{ after: 1, span: 11, most: 0.25 }, 1, [0, 3 / 12, 0.25, 0.25]],
])(
  'with %o the UNet has the average of the weights of all steps, but losses come from the weights themselves',
  async (average, after, shares) => {
    const plain = await withTrainer({ ...options, average: undefined }, async (trainer, unet) => {
      const steps = [];
      for (const _ of shares)
        steps.push({ loss: await trainer.step(batch), weights: await unet.getParameters() });
      return steps;
    });
    await withTrainer({ ...options, average }, async (trainer, unet) => {
      const mean = new Map(
        [...(await unet.getParameters())].map(([name, v]) => [name, Float64Array.from(v)]),
      );
      for (const [i, { loss, weights }] of plain.entries()) {
        expect(await trainer.step(batch)).toBe(loss);
        expect((await trainer.getState()).weights).toEqual(weights);
        const given = await unet.getParameters();
        if (i < after) expect(given).toEqual(weights);
        else expect(given).not.toEqual(weights);
        for (const [name, values] of given) {
          const expected = mean
            .get(name)!
            .map((m, k) => shares[i] * m + (1 - shares[i]) * weights.get(name)![k]);
          mean.set(name, expected);
          expect(furthest(values, expected), `${name} after step ${i + 1}`).toBeLessThan(1e-6);
        }
      }
      // Predictions use it.
      using same = await engine.createUNet(network, { seed: 1 });
      await same.setParameters(await unet.getParameters());
      const predictions = [unet, same].map((each) => each.predict(batch.noisy, { count: BATCH }));
      expect(await predictions[0]).toEqual(await predictions[1]);
    });
  },
);

describe.each(['setParameters', 'setState', 'encodePack'] as const)(
  'weights that %s puts in are trained',
  (name) => {
    /** What `two` gives of steps on weights that were put in after the first step. */
    const losses = (two: (trainer: Trainer) => Promise<Iterable<number>>) =>
      withTrainer(options, async (trainer, unet) => {
        const state = await trainer.getState();
        await trainer.step(batch);
        if (name === 'setParameters') await unet.setParameters(otherWeights);
        else if (name === 'setState') trainer.setState({ ...state, weights: otherWeights });
        else {
          submit(gpu, (encoder) => {
            const { parameterBuffer: from } = other;
            encoder.copyBufferToBuffer(from, 0, unet.parameterBuffer, 0, from.size);
            unet.encodePack(encoder);
          });
        }
        expect((await trainer.getState()).weights).toEqual(otherWeights);
        return [...(await two(trainer))];
      });

    test.each<[string, (trainer: Trainer) => Promise<Iterable<number>>]>([
      [
        'by recorded steps, each once',
        (trainer) => {
          for (const encoder of [recorded(trainer), recorded(trainer)]) submitted(encoder);
          return trainer.readLosses(2);
        },
      ],
      [
        'by the second recorded step where the first does not run',
        async (trainer) => {
          recorded(trainer);
          submitted(recorded(trainer));
          return [...(await trainer.readLosses()), await trainer.step(batch)];
        },
      ],
    ])('%s', async (_, two) => {
      expect(await losses(two)).toEqual(await losses(twoSteps));
    });
  },
);

test('weights that setParameters puts in during the loop of a fit are trained from the next submission on', async () => {
  // At this rate, 120 steps change no weight by more than 0.00012.
  await withTrainer({ ...options, learningRate: 1e-6 }, async (trainer, unet) => {
    engine.maxSubmitMilliseconds = 1;
    for await (const { step } of trainer.fit(dataset, { epochs: 40, seed: 1 }))
      if (step === 2) await unet.setParameters(otherWeights);
    engine.maxSubmitMilliseconds = 300;
    for (const [name, values] of (await trainer.getState()).weights!)
      expect(furthest(values, otherWeights.get(name)!), name).toBeLessThan(1e-3);
  });
});

type Work = (trainer: Trainer, unet: UNet) => unknown;
const refusedSubmission: Work = async (trainer) => {
  const refusing = refuseNext();
  await expect(trainer.step(batch)).rejects.toMatchObject({ code: 'shader' });
  refusing.mockRestore();
};
const setsState = (weights: boolean) => async (trainer: Trainer) => {
  const state = await trainer.getState();
  await trainer.step(batch);
  return () => trainer.setState({ ...state, weights: weights ? otherWeights : undefined });
};
test.each<[string, Work, Work?]>([
  ['a first submission that is refused', refusedSubmission],
  ['a first recorded step that never runs', recorded],
  [
    'a submission that is refused after a state',
    async (t) => (await setsState(true)(t))(),
    refusedSubmission,
  ],
  [
    'a second trainer that trains nothing',
    (trainer) => trainer.step(batch),
    async (_, unet) => (await engine.createTrainer(unet, options)).destroy(),
  ],
])('%s costs a trainer with an average no weights', async (_, first, then) => {
  const after = (isSpared: boolean) =>
    withTrainer(options, async (trainer, unet) => {
      if (then || !isSpared) await first(trainer, unet);
      if (then && !isSpared) await then(trainer, unet);
      return [await twoSteps(trainer), await trainer.getState(), await unet.getParameters()];
    });
  expect(await after(false)).toEqual(await after(true));
});

test.each([
  ['its own weights', true],
  ['the weights of the UNet', false],
])('a state with %s that the device refuses at first is brought by the next step', async (_, hasWeights) => {
  const losses = (isRefused: boolean) =>
    withTrainer(options, async (trainer) => {
      const set = await setsState(hasWeights)(trainer);
      const refusing = isRefused ? refuseNext() : undefined;
      set();
      refusing?.mockRestore();
      return twoSteps(trainer);
    });
  expect(await losses(true)).toEqual(await losses(false));
});

test('a trainer trains the weights that a second one leaves, or that a state without its own finds in the UNet', async () => {
  await withTrainer(options, async (trainer, unet) => {
    await trainer.step(batch);
    const { weights: _, ...state } = await trainer.getState();
    const second = await engine.createTrainer(unet, { ...options, average: undefined });
    await second.step(batch);
    second.destroy();
    expect((await trainer.getState()).weights).toEqual(await unet.getParameters());
    await trainer.step(batch);
    trainer.setState(state);
    expect((await trainer.getState()).weights).toEqual(await unet.getParameters());
  });
});
