/** The modules of examples/ that need neither a page nor the built package, as they stand. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../harness/specs/lib/spec';
import { createEngine } from '../../src/engine';
import type { FrameResult } from '../../src/training/options';
import type { Trainer } from '../../src/training/trainer';
import { testGpu } from '../lib/gpu';
import { bufferOf } from '../lib/on_gpu';

const { gpu } = await testGpu();

type Batches = readonly { readonly input: GPUBuffer; readonly target: GPUBuffer }[];
interface Examples {
  trainWithL1(device: GPUDevice, trainer: Trainer, batches: Batches, steps: number): Promise<Float32Array>;
  stepOnAll(device: GPUDevice, trainer: Trainer, batches: Batches): Promise<number>;
  drawAndTrain(
    trainer: Trainer,
    source: Parameters<Trainer['runFor']>[0],
    options: object,
  ): Promise<FrameResult>;
  trainAndSample(client: object, options: object): Promise<unknown>;
}
const modules = import.meta.glob(
  ['../../examples/custom_loss/*.js', '../../examples/frames/*.js', '../../examples/worker/train.js'],
  { eager: true },
);
const { trainWithL1, stepOnAll, drawAndTrain, trainAndSample } = Object.assign(
  {},
  ...Object.values(modules),
) as Examples;

const config = { height: 8, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 64;
const batchSize = 8;

/** Images of one grey each, and the same with noise. */
const random = new TestRandom(4);
const batches = Array.from({ length: 4 }, () => {
  const greys = random.floats(batchSize, 0, 1);
  const target = Array.from({ length: batchSize * size }, (_, i) => greys[Math.floor(i / size)]);
  const input = target.map((grey) => grey + 0.4 * (random.next() - 0.5));
  return { input: Float32Array.from(input), target: Float32Array.from(target) };
});

async function setUp() {
  const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
  const unet = await engine.createUNet(config, { seed: 2 });
  const trainer = await engine.createTrainer(unet, { batchSize, customLoss: true });
  const onGpu = batches.map(({ input, target }) => ({
    input: bufferOf(gpu, input),
    target: bufferOf(gpu, target),
  }));
  return { engine, unet, trainer, batches: onGpu };
}

/** The mean absolute error of what a network predicts now. */
async function errorOf({ unet }: Awaited<ReturnType<typeof setUp>>, which: readonly number[]) {
  let sum = 0;
  for (const i of which) {
    const output = await unet.predict(batches[i].input, { count: batchSize });
    sum += output.reduce((all, v, k) => all + Math.abs(v - batches[i].target[k]), 0) / output.length;
  }
  return sum / which.length;
}

describe('the example custom_loss', () => {
  test('trains a network that then does better by that loss', async () => {
    const made = await setUp();
    const before = await errorOf(made, [0]);
    const losses = await trainWithL1(gpu.device, made.trainer, made.batches, 60);
    expect(losses).toHaveLength(60);
    expect(losses[0] / before).toBeCloseTo(1, 5);
    expect(await errorOf(made, [0])).toBeLessThan(0.6 * before);
    made.engine.destroy();
  });

  test('takes the loss of several batches at once', async () => {
    const made = await setUp();
    const before = await errorOf(made, [0, 1, 2, 3]);
    expect((await stepOnAll(gpu.device, made.trainer, made.batches)) / before).toBeCloseTo(1, 5);
    expect(await errorOf(made, [0, 1, 2, 3])).toBeLessThan(before);
    made.engine.destroy();
  });

  test('destroys the buffers that it makes', async () => {
    const made = await setUp();
    const { createBuffer } = gpu.device;
    const left = new Set<GPUBuffer>();
    vi.spyOn(gpu.device, 'createBuffer').mockImplementation((options) => {
      const buffer = createBuffer.call(gpu.device, options);
      left.add(buffer);
      const { destroy } = buffer;
      buffer.destroy = () => {
        left.delete(buffer);
        return destroy.call(buffer);
      };
      return buffer;
    });
    await trainWithL1(gpu.device, made.trainer, made.batches, 2);
    await stepOnAll(gpu.device, made.trainer, made.batches);
    vi.restoreAllMocks();
    expect(left.size).toBe(0);
    made.engine.destroy();
  });
});

test('the example frames draws and trains beside it', async () => {
  const { engine, trainer } = await setUp();
  const images = Uint8Array.from({ length: 20 * size }, (_, i) => i % 255);
  const dataset = await engine.createDataset({ images, count: 20, height: 8, width: 8, channels: 1 });
  const frames: (FrameResult | undefined)[] = [];
  const last = await drawAndTrain(trainer, dataset, {
    milliseconds: 2,
    draw: (done: FrameResult | undefined) => {
      frames.push(done);
      return (done?.step ?? 0) < 5;
    },
    nextFrame: (frame: () => void) => void gpu.device.queue.onSubmittedWorkDone().then(frame),
  });
  expect(frames[0]).toBeUndefined();
  expect(last.step).toBeGreaterThanOrEqual(5);
  expect(last.loss).toBeGreaterThan(0);
  engine.destroy();
});

test('the example worker shows the step of the run that it goes on with', async () => {
  const client = {
    on: () => () => {},
    resume: async () => {},
    async *train() {
      yield* [{ type: 'progress' }, { step: 401, loss: 0.25 }];
    },
    sample: async () => ({}),
    pause: async () => ({ step: 420 }),
    evaluate: async () => ({ loss: 0.5 }),
  };
  const shown: string[] = [];
  const show = (text: string) => shown.push(text);
  await trainAndSample(client, { stored: { id: 'a run of 400 steps' }, steps: 20, labels: [3], show });
  expect(shown).toEqual(['step 401: 0.2500', 'step 420: 0.5000 on the first 100 digits']);
});
