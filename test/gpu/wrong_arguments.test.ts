/**
 * What a program without types may give: each is one clear error of this library, never a TypeError of its insides.
 *
 * @module-tag logic
 */
import { expect, onTestFinished, test } from 'vitest';
import { loadIdx } from '../../src/data/idx';
import { createEngine, type Engine } from '../../src/engine';
import { EngineError } from '../../src/errors';
import { requestDevice } from '../../src/gpu/request_device';
import { loadCheckpoint, saveCheckpoint } from '../../src/weights/checkpoint';
import { fingerprintImages } from '../../src/weights/fingerprint';
import { loadModel, saveModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { serve } from '../../src/worker/serve';
import { hurry } from '../call_failures';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

const config = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 4 * 8;
const set = { images: new Uint8Array(4 * size), count: 4, height: 4, width: 8, channels: 1 };
const batch = () => ({ noisy: new Float32Array(4 * size).fill(0.5), clean: new Float32Array(4 * size) });

async function all(engine: Engine) {
  const unet = await engine.createUNet(config);
  return {
    engine,
    unet,
    dataset: await engine.createDataset(set),
    trainer: await engine.createTrainer(unet, { batchSize: 4, ownLoss: true }),
    sampler: await engine.createSampler(unet, { count: 4 }),
    predictor: await engine.createPredictor(unet, { count: 4 }),
  };
}

test('nothing, null, and values of other types', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const { unet, dataset, trainer, sampler, predictor } = await all(engine);
  const encoder = gpu.device.createCommandEncoder();
  const [buffer] = await gpu.createBuffers([{ label: 'images', bytes: 4 * size * 4 }]);
  const next = (events: AsyncGenerator) => events.next();
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
  const calls: Record<string, (given: any) => unknown> = {
    createEngine: (given) => createEngine(given ?? null),
    device: (device) => createEngine({ device: device ?? null }),
    createUNet: (given) => engine.createUNet(given ?? null),
    'createUNet, options': (given) => engine.createUNet(config, given ?? null),
    widths: (given) => engine.createUNet({ widths: given ?? null }),
    createDataset: (given) => engine.createDataset(given),
    'createDataset, images': (given) => engine.createDataset({ ...set, images: given }),
    createTrainer: (given) => engine.createTrainer(given),
    'createTrainer, options': (given) => engine.createTrainer(unet, given ?? null),
    'createTrainer, variants': (given) => engine.createTrainer(unet, { variants: given ?? null }),
    createSampler: (given) => engine.createSampler(given),
    'createSampler, options': (given) => engine.createSampler(unet, given ?? null),
    createPredictor: (given) => engine.createPredictor(given),
    'createPredictor, options': (given) => engine.createPredictor(unet, given ?? null),
    setParameters: (given) => unet.setParameters(given),
    predict: (given) => unet.predict(given, 1),
    'predict, told': (given) => unet.predict(new Float32Array(size), 1, given ?? null),
    step: (given) => trainer.step(given),
    'step, noisy': (noisy) => trainer.step({ ...batch(), noisy }),
    'step, clean': (clean) => trainer.step({ ...batch(), clean }),
    fit: (given) => next(trainer.fit(given, { epochs: 1 })),
    'fit, options': (given) => next(trainer.fit(dataset, given)),
    runFor: (given) => trainer.runFor(given, { milliseconds: 1 }),
    'runFor, options': (given) => trainer.runFor(dataset, given),
    evaluate: (given) => trainer.evaluate(given),
    'evaluate, options': (given) => trainer.evaluate(set, given ?? null),
    setState: (given) => trainer.setState(given),
    encodeStep: (given) => trainer.encodeStep(encoder, given),
    'encodeStep, encoder': (given) => trainer.encodeStep(given, { noisy: buffer, clean: buffer }),
    'encodeStep, arrays': (given) => trainer.encodeStep(encoder, given ?? (batch() as never)),
    'encodeStep, options': (given) =>
      trainer.encodeStep(encoder, { noisy: buffer, clean: buffer }, given ?? null),
    encodeStepParts: (given) => trainer.encodeStepParts(given, { parts: 2 }),
    'encodeStepParts, options': (given) => trainer.encodeStepParts({ noisy: buffer, clean: buffer }, given),
    encodeForward: (given) => trainer.encodeForward(encoder, given),
    encodeBackward: (given) => trainer.encodeBackward(encoder, given),
    encodeUpdate: (given) => trainer.encodeUpdate(encoder, given ?? null),
    encodePack: (given) => unet.encodePack(given),
    sample: (given) => sampler.sample(given),
    run: (given) => next(sampler.run(given)),
    encodeRun: (given) => sampler.encodeRun(encoder, given, 2),
    'encodeRun, encoder': (given) => sampler.encodeRun(given, buffer, 2),
    'encodeRun, options': (given) => sampler.encodeRun(encoder, buffer, given),
    encode: (given) => predictor.encode(encoder, given, buffer),
    'encode, output': (given) => predictor.encode(encoder, buffer, given),
    'encode, encoder': (given) => predictor.encode(given, buffer, buffer),
    'encode, told': (given) => predictor.encode(encoder, buffer, buffer, given ?? null),
    loadModel: (given) => loadModel(given),
    saveModel: (given) => saveModel(given),
    loadCheckpoint: (given) => loadCheckpoint(given),
    saveCheckpoint: (given) => saveCheckpoint(given),
    decodeSafetensors: (given) => decodeSafetensors(given),
    fingerprintImages: (given) => fingerprintImages(given),
    loadIdx: (given) => loadIdx(given),
  };
  const faults: string[] = [];
  for (const [name, call] of Object.entries(calls))
    for (const given of [undefined, null, 3, 'three', true, {}]) {
      try {
        await call(given);
      } catch (error) {
        const isOurs = error instanceof EngineError && ['argument', 'data'].includes(error.code);
        if (!isOurs) faults.push(`${name}(${JSON.stringify(given)}): ${error}`);
      }
    }
  expect(faults).toEqual([]);
  engine.destroy();
});

test('switches that are neither true nor false', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const { unet, dataset, trainer } = await all(engine);
  const encoder = gpu.device.createCommandEncoder();
  const shape = { inChannels: 4, outChannels: 4, height: 4, width: 8, kernelSize: 3, batch: 4 };
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
  const calls: Record<string, (given: any) => unknown> = {
    tune: (tune) => createEngine({ device: gpu.device, tune }),
    selfCheck: (selfCheck) => createEngine({ device: gpu.device, selfCheck }),
    residual: (residual) => engine.createUNet({ ...config, residual }),
    averageWeights: (averageWeights) => engine.createTrainer(unet, { averageWeights }),
    reuseMemory: (reuseMemory) => engine.createTrainer(unet, { reuseMemory }),
    ownLoss: (ownLoss) => engine.createTrainer(unet, { ownLoss }),
    'reuseMemory ': (reuseMemory) => engine.createPredictor(unet, { reuseMemory }),
    binarize: (binarize) => trainer.fit(dataset, { epochs: 1, binarize }).next(),
    dropLast: (dropLast) => trainer.fit(dataset, { epochs: 1, dropLast }).next(),
    'binarize ': (binarize) => trainer.runFor(dataset, { milliseconds: 1, binarize }),
    'dropLast ': (dropLast) => trainer.runFor(dataset, { milliseconds: 1, dropLast }),
    'binarize  ': (binarize) => trainer.evaluate(set, { binarize }),
    accumulate: (accumulate) =>
      trainer.encodeBackward(encoder, { outputGradient: gpu.device, accumulate } as never),
    backward: (backward) => engine.createConv2d(shape, { backward }),
    keep: (keep) => serve(new MessageChannel().port1, { keep }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await expect(async () => call('false'), name).rejects.toThrow(
      `${name.trim()} is "false"; it must be true or false.`,
    );
  }
  engine.destroy();
});

test('buffers that are destroyed, mapped or of another device', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const { trainer, unet } = await all(engine);
  const { device: other } = await requestDevice();
  const make = (device: GPUDevice, more = {}) =>
    device.createBuffer({ size: 4 * size * 4, usage: GPUBufferUsage.COPY_SRC, ...more });
  const destroyed = make(gpu.device);
  destroyed.destroy();
  const mapped = make(gpu.device, {
    usage: GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  });
  const clean = make(gpu.device);
  const before = await unet.getParameters();
  onTestFinished(hurry());
  // Also where a step is cut, and its update would follow the copies.
  for (const maxMilliseconds of [300, 1e-9]) {
    engine.gpu.pacer.maxMilliseconds = maxMilliseconds;
    for (const noisy of [destroyed, mapped, make(other), { buffer: make(other), offset: 0 }])
      for (const work of [
        () => trainer.step({ noisy, clean }),
        () => trainer.runFor(() => ({ noisy, clean }), { milliseconds: 10 }),
      ])
        await expect(work()).rejects.toMatchObject({ name: 'EngineError', code: 'argument' });
  }
  expect(await unet.getParameters()).toEqual(before);
  await trainer.step(batch());
  expect(await unet.getParameters()).not.toEqual(before);
  other.destroy();
  engine.destroy();
});

test('all that an engine makes is destroyed alike', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const made = await all(engine);
  for (const each of Object.values(made).reverse()) {
    const { destroyed } = each;
    expect(destroyed).toBe(false);
    each[Symbol.dispose]();
    each.destroy();
    if ('bytes' in each) expect(each.bytes).toBe(0);
  }
  const calls = {
    unet: () => made.unet.getParameters(),
    trainer: () => made.trainer.readLosses(),
    buffers: async () => made.trainer.buffers,
    sampler: () => made.sampler.sample({ steps: 1 }),
    predictor: async () => made.predictor.encode(gpu.device.createCommandEncoder(), {} as never, {} as never),
    engine: () => engine.createUNet(),
  };
  for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject({ code: 'destroyed' });
});
