/** What a program without types may give: each is one clear error of this library, never a TypeError of its insides. */
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { EngineError } from '../../../src/base/errors';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { loadIdx, loadLabels } from '../../../src/data/idx';
import { createEngine, type Engine } from '../../../src/engine';
import { requestDevice } from '../../../src/gpu/request_device';
import { exportOnnx } from '../../../src/onnx/index';
import { loadPretrained } from '../../../src/pretrained/index';
import { loadClassifier } from '../../../src/quality/index';
import { createPictureTexture, deviceOf } from '../../../src/three/index';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { encodeSafetensors } from '../../../src/weights/encode';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { createWorkerClient } from '../../../src/worker/client';
import { serve } from '../../../src/worker/serve';
import { hurry } from '../../lib/call_failures';
import { testGpu } from '../../lib/gpu';
import { roomFor } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu, source } = await testGpu();

const config = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 4 * 8;
const set = { images: new Uint8Array(4 * size), count: 4, height: 4, width: 8, channels: 1 };
const batch = () => ({ noisy: new Float32Array(4 * size).fill(0.5), target: new Float32Array(4 * size) });

async function all(engine: Engine) {
  const unet = await engine.createUNet(config);
  return {
    engine,
    unet,
    dataset: await engine.createDataset(set),
    trainer: await engine.createTrainer(unet, { batchSize: 4, customLoss: true }),
    sampler: await engine.createSampler(unet, { count: 4 }),
    predictor: await engine.createPredictor(unet, { count: 4 }),
  };
}

const convolution = { batch: 4, height: 4, width: 8, kernelSize: 3, inChannels: 4, outChannels: 4 };

/** Kernels by themselves, and the other things that an engine makes. */
async function more(engine: Engine) {
  const shape = { batch: 4, height: 4, width: 8, channels: 4 };
  return {
    conv2d: await engine.createConv2d(convolution),
    activation: await engine.createActivation(shape),
    pooling: await engine.createPooling(shape),
    upsampling: await engine.createUpsampling(shape),
    adam: await engine.createAdam(4),
    painter: await engine.createPainter({ height: 4, width: 8, channels: 1 }),
  };
}

const { device } = gpu;
const engine = await createEngine({ device, selfCheck: false });
const { unet, dataset, trainer, sampler, predictor } = await all(engine);
const parameters = await unet.getParameters();
const encoder = device.createCommandEncoder();
const buffer = roomFor(gpu, 4 * size);
/** A client, and a worker that is served here. */
const { port1, port2 } = new MessageChannel();
serve(port1, { store: false, engine: { gpu: source, selfCheck: false } });
const client = createWorkerClient(port2);
afterAll(() => {
  client.destroy();
  port1.close();
  engine.destroy();
});

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
type Calls = Record<string, (given: any) => unknown>;

/** What of three's a picture needs. */
class Texture {
  readonly repeat = { set: () => {} };
  readonly offset = { set: () => {} };
  dispose() {}
}

test('every call refuses nothing, null and values of other types', async () => {
  const { conv2d, activation, adam, painter } = await more(engine);
  const state = await trainer.getState();
  const picture = { height: 4, width: 8, channels: 1 };
  const calls: Calls = {
    createEngine: (given) => createEngine(given ?? null),
    requestDevice: (given) => requestDevice(given ?? null),
    'requestDevice, options': (given) => requestDevice(source, given ?? null),
    createUNet: (given) => engine.createUNet(given ?? null),
    'createUNet, options': (given) => engine.createUNet(config, given ?? null),
    widths: (given) => engine.createUNet({ widths: given ?? null }),
    createDataset: (given) => engine.createDataset(given),
    'createDataset, images': (given) => engine.createDataset({ ...set, images: given }),
    createTrainer: (given) => engine.createTrainer(given),
    'createTrainer, options': (given) => engine.createTrainer(unet, given ?? null),
    createSampler: (given) => engine.createSampler(given),
    'createSampler, options': (given) => engine.createSampler(unet, given ?? null),
    createDistiller: (given) => engine.createDistiller(given, { calls: 1 }),
    'createDistiller, options': (given) => engine.createDistiller(unet, given),
    createPredictor: (given) => engine.createPredictor(given),
    'createPredictor, options': (given) => engine.createPredictor(unet, given ?? null),
    setParameters: (given) => unet.setParameters(given),
    predict: (given) => unet.predict(given, { count: 1 }),
    'predict, told': (given) => unet.predict(new Float32Array(size), given ?? null),
    step: (given) => trainer.step(given),
    'step, noisy': (noisy) => trainer.step({ ...batch(), noisy }),
    'step, target': (target) => trainer.step({ ...batch(), target }),
    fit: (given) => trainer.fit(given, { epochs: 1 }).next(),
    'fit, options': (given) => trainer.fit(dataset, given).next(),
    runFor: (given) => trainer.runFor(given, { milliseconds: 1 }),
    'runFor, options': (given) => trainer.runFor(dataset, given),
    evaluate: (given) => trainer.evaluate(given),
    'evaluate, options': (given) => trainer.evaluate(set, given ?? null),
    checkpoint: (given) => trainer.checkpoint(given),
    'checkpoint, fit': (fit) => trainer.checkpoint({ fit, images: set }),
    'checkpoint, images': (images) => trainer.checkpoint({ fit: { epochs: 1 }, images }),
    resume: (given) => engine.resume(given, { images: set }),
    'resume, options': (given) => engine.resume(new Uint8Array(), given ?? null),
    'resume, images': (images) => engine.resume(new Uint8Array(), { images }),
    setState: (given) => trainer.setState(given),
    'setState, adam': (adam) => trainer.setState({ ...state, adam: adam ?? null }),
    'setState, corrections': (corrections) =>
      trainer.setState({ ...state, corrections: corrections ?? null }),
    encodeStep: (given) => trainer.encodeStep(encoder, given),
    'encodeStep, encoder': (given) => trainer.encodeStep(given, { noisy: buffer, target: buffer }),
    'encodeStep, arrays': (given) => trainer.encodeStep(encoder, given ?? (batch() as never)),
    'encodeStep, options': (given) =>
      trainer.encodeStep(encoder, { noisy: buffer, target: buffer }, given ?? null),
    encodeForward: (given) => trainer.encodeForward(encoder, given),
    encodeBackward: (given) => trainer.encodeBackward(encoder, given),
    encodeUpdate: (given) => trainer.encodeUpdate(encoder, given ?? null),
    encodePack: (given) => unet.encodePack(given),
    sample: (given) => sampler.sample(given),
    run: (given) => sampler.run(given).next(),
    encodeRun: (given) => sampler.encodeRun(encoder, given, { steps: 2 }),
    'encodeRun, encoder': (given) => sampler.encodeRun(given, buffer, { steps: 2 }),
    'encodeRun, options': (given) => sampler.encodeRun(encoder, buffer, given),
    encode: (given) => predictor.encode(encoder, given, buffer),
    'encode, output': (given) => predictor.encode(encoder, buffer, given),
    'encode, encoder': (given) => predictor.encode(given, buffer, buffer),
    'encode, told': (given) => predictor.encode(encoder, buffer, buffer, given ?? null),
    loadModel: (given) => loadModel(given),
    saveModel: (given) => saveModel(given),
    loadCheckpoint: (given) => loadCheckpoint(given),
    decodeSafetensors: (given) => decodeSafetensors(given),
    fingerprintImages: (given) => fingerprintImages(given),
    'saveModel, parameters': (given) =>
      saveModel({ config: unet.config, getParameters: async () => parameters, parameters: given }),
    encodeSafetensors: (given) => encodeSafetensors(given),
    'encodeSafetensors, one': (given) => encodeSafetensors([given]),
    'encodeSafetensors, metadata': (given) => encodeSafetensors([], given ?? null),
    exportOnnx: (given) => exportOnnx(given),
    'exportOnnx, one': (given) =>
      exportOnnx({ config: unet.config, parameters: new Map([['down.0.kernel', given]]) }),
    loadIdx: (given) => loadIdx(given),
    'loadIdx, options': (given) => loadIdx(new Uint8Array(), given ?? null),
    'loadLabels, options': (given) => loadLabels(new Uint8Array(), given ?? null),
    // Nothing is wrong with {}, and what it loads takes a while.
    'loadDigits, options': (given) => JSON.stringify(given) === '{}' || loadDigits(given ?? null),
    'loadDigitLabels, options': (given) => loadDigitLabels(given ?? null),
    'loadPretrained, options': (given) =>
      JSON.stringify(given) === '{}' || loadPretrained('digits', given ?? null),
    'loadClassifier, options': (given) => loadClassifier(given ?? null),
    createConv2d: (given) => engine.createConv2d(given),
    'createConv2d, options': (given) => engine.createConv2d(convolution, given ?? null),
    'conv2d.encodeForward': (given) => conv2d.encodeForward(encoder, given),
    createActivation: (given) => engine.createActivation(given),
    'createActivation, options': (given) => engine.createActivation({ ...picture, batch: 1 }, given ?? null),
    'activation.encodeForward': (given) => activation.encodeForward(given, { input: buffer, output: buffer }),
    createAdam: (given) => engine.createAdam(given),
    'createAdam, options': (given) => engine.createAdam(4, given ?? null),
    'adam.encode': (given) => adam.encode(encoder, given),
    'adam.encode, update': (given) =>
      adam.encode(encoder, { parameters: buffer, gradient: buffer }, given ?? null),
    createPainter: (given) => engine.createPainter(given),
    paint: (given) => painter.paint(given, given),
    deviceOf: (given) => deviceOf(given),
    'deviceOf, backend': (backend) => deviceOf({ init: async () => {}, backend }),
    createPictureTexture: (given) => createPictureTexture(given, Texture, picture),
    'createPictureTexture, class': (given) => createPictureTexture(engine, given, picture),
    'createPictureTexture, options': (given) => createPictureTexture(engine, Texture, given),
    serve: (given) => serve(given),
    createWorkerClient: (given) => createWorkerClient(given),
    'client.begin': (given) => client.begin(given),
    'client.begin, options': (given) => client.begin({ images: set } as never, given ?? null),
    'client.resume': (given) => client.resume(given),
    'client.resume, from': (from) => client.resume({ from }),
    'client.resume, no folder': () => client.resume({ from: 'a/b' }),
    'client.discard': (given) => client.discard(given),
    'client.start': (given) => client.start(given ?? null),
    'client.step': (given) => client.step(1, given ?? null),
    'client.sample': (given) => client.sample(given ?? null),
    'client.setLearningRate': (given) => client.setLearningRate(given),
    'client.adjust': (given) => client.adjust(given),
    'client.adjust, schedule': (schedule) => client.adjust({ schedule: schedule ?? null }),
    'client.load': (given) => client.load(given),
    'client.save': (given) => client.save(given),
    'client.on': (given) => client.on(given, () => {}),
  };
  const faults: string[] = [];
  for (const [name, call] of Object.entries(calls))
    for (const given of [undefined, null, 3, 'three', true, {}]) {
      try {
        await call(given);
      } catch (error) {
        const isOurs = error instanceof EngineError && ['argument', 'data', 'no-webgpu'].includes(error.code);
        if (!isOurs) faults.push(`${name}(${JSON.stringify(given)}): ${error}`);
      }
    }
  expect(faults).toEqual([]);
});

const fits = { images: set, fit: { epochs: 1 } };
const bytes = new Uint8Array(1);
const [first] = parameters.keys();
const options: Calls = {
  ...{
    'signal of fit': (signal) => trainer.fit(dataset, { epochs: 1, signal }).next(),
    'signal of runFor': (signal) => trainer.runFor(dataset, { milliseconds: 1, signal }),
    'signal of evaluate': (signal) => trainer.evaluate(set, { signal }),
    'signal of sample': (signal) => sampler.sample({ steps: 1, signal }),
    'signal of run': (signal) => sampler.run({ steps: 1, signal }).next(),
    'signal of loadIdx': (signal) => loadIdx(bytes, { signal }),
    'signal of loadLabels': (signal) => loadLabels(bytes, { signal }),
    'signal of loadDigits': (signal) => loadDigits({ signal }),
    'signal of loadDigitLabels': (signal) => loadDigitLabels({ signal }),
    'signal of loadPretrained': (signal) => loadPretrained('digits', { signal }),
    'signal of loadClassifier': (signal) => loadClassifier({ signal }),
    'signal of begin': (signal) => client.begin(fits, { signal }),
    'signal of resume': (signal) => client.resume({ from: bytes }, { signal }),
    'signal of start': (signal) => client.start({ signal }),
    'signal of step': (signal) => client.step(1, { signal }),
    'signal of client.sample': (signal) => client.sample({ signal }),
  },
  'variants of an engine': (variants) => createEngine({ device, variants }),
  'variants of a trainer': (variants) => engine.createTrainer(unet, { variants }),
  'variants of a sampler': (variants) => engine.createSampler(unet, { variants }),
  'variants of a predictor': (variants) => engine.createPredictor(unet, { variants }),
  'variants of a convolution': (variants) => engine.createConv2d(convolution, { variants }),
  onWarning: (onWarning) => createEngine({ device, onWarning }),
  onProgress: (onProgress) => createEngine({ device, onProgress }),
  tuningCache: (tuningCache) => createEngine({ device, tuningCache }),
  powerPreference: (powerPreference) => createEngine({ powerPreference }),
  'powerPreference of requestDevice': (powerPreference) => requestDevice(source, { powerPreference }),
  'gpu of an engine': (gpu) => createEngine({ gpu }),
  'gpu of requestDevice': (gpu) => requestDevice(gpu),
  device: (device) => createEngine({ device }),
  onStep: (onStep) => sampler.sample({ steps: 1, onStep }),
  'onStep of a client': (onStep) => client.sample({ onStep }),
  'onFrame of a client': (onFrame) => client.sample({ onFrame }),
  listener: (listener) => client.on('loss', listener),
  transfer: (transfer) => client.begin(fits, { transfer }),
  'images of a worker': (images) => serve(new MessageChannel().port1, { images }),
  losses: (losses) => trainer.checkpoint({ fit: { epochs: 1 }, images: set, losses }),
  [first]: (given) =>
    exportOnnx({ config: unet.config, parameters: new Map([...parameters, [first, given]]) }),
};
const switches: Calls = {
  'tune of an engine': (tune) => createEngine({ device, tune }),
  tune: (tune) => Object.assign(engine, { tune }),
  residual: (residual) => engine.createUNet({ ...config, residual }),
  'reuseMemory of a trainer': (reuseMemory) => engine.createTrainer(unet, { reuseMemory }),
  customLoss: (customLoss) => engine.createTrainer(unet, { customLoss }),
  'reuseMemory of a predictor': (reuseMemory) => engine.createPredictor(unet, { reuseMemory }),
  'binarize of fit': (binarize) => trainer.fit(dataset, { epochs: 1, binarize }).next(),
  'dropLast of fit': (dropLast) => trainer.fit(dataset, { epochs: 1, dropLast }).next(),
  'binarize of runFor': (binarize) => trainer.runFor(dataset, { milliseconds: 1, binarize }),
  'dropLast of runFor': (dropLast) => trainer.runFor(dataset, { milliseconds: 1, dropLast }),
  'binarize of evaluate': (binarize) => trainer.evaluate(set, { binarize }),
  accumulate: (accumulate) =>
    trainer.encodeBackward(encoder, { outputGradient: device, accumulate } as never),
  backward: (backward) => engine.createConv2d(convolution, { backward }),
  store: (store) => serve(new MessageChannel().port1, { store }),
};
test.each(Object.entries({ ...options, ...switches }))(
  '%s of another type is refused by its name',
  async (name, call) => {
    for (const given of [3, 'false', null]) {
      const { message } = await refused(() => call(given), 'argument');
      expect(
        [`${name.split(' ')[0]} `, JSON.stringify(name)].some((named) => message.includes(named)),
        message,
      ).toBe(true);
      if (name in switches)
        expect(message).toContain(`is ${JSON.stringify(given)}; it must be true or false.`);
    }
  },
);

test.each<[string, () => unknown]>([
  ['lables', () => engine.createDataset({ ...set, lables: set.images } as never)],
  ['count', () => loadIdx(bytes, { count: 3 } as never)],
  ['"nope"', () => client.on('nope' as never, () => {})],
  ['tuningCache.get', () => createEngine({ device, tuningCache: {} as never })],
  ['cacheKey is 3; it must be a text', () => createEngine({ device, cacheKey: 3 as never })],
  ['selfCheck is "false"', () => createEngine({ device, selfCheck: 'false' as never })],
  ['engine.forget()', () => createEngine({ device, selfCheck: 'always' as never })],
  ['no variant 3', () => engine.createTrainer(unet, { variants: { 'conv2d/down.0': 3 as never } })],
  ['no setting devise', () => createEngine({ devise: device } as never)],
  ['device is of type Promise', () => createEngine({ device: Promise.resolve() as never })],
  ['maxSubmitMilliseconds is 0', () => createEngine({ device, maxSubmitMilliseconds: 0 })],
  ['no setting sed', () => engine.createUNet({}, { sed: 1 } as never)],
  ['not a data set on this', () => trainer.fit(set as never, { epochs: 1 }).next()],
  ['target is of type Uint8Array', () => trainer.step({ ...batch(), target: bytes as never })],
])('%s, which no type allows, is refused', async (fact, call) => {
  await refused(call, 'argument', fact);
});

test('a data set is what readIdx gives, with bytes', async () => {
  const floats = new Float32Array(4 * size) as never;
  await refused(engine.createDataset({ ...set, images: floats }), 'data', 'of type Float32Array');
  using dataset = await engine.createDataset({ kind: 'images', ...set } as never);
  expect(dataset.count).toBe(4);
});

test('buffers that are destroyed, mapped or of another device are refused, and change no weight', async () => {
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
  const target = make(gpu.device);
  const before = await unet.getParameters();
  onTestFinished(hurry());
  // Also where a step is cut, and its update would follow the copies.
  for (const maxMilliseconds of [300, 1e-9]) {
    engine.gpu.pacer.maxMilliseconds = maxMilliseconds;
    for (const noisy of [destroyed, mapped, make(other), { buffer: make(other), offset: 0 }])
      for (const work of [
        () => trainer.step({ noisy, target }),
        () => trainer.runFor(() => ({ noisy, target }), { milliseconds: 10 }),
      ])
        await expect(work()).rejects.toMatchObject({ name: 'EngineError', code: 'argument' });
  }
  expect(await unet.getParameters()).toEqual(before);
  await trainer.step(batch());
  expect(await unet.getParameters()).not.toEqual(before);
  other.destroy();
  engine.destroy();
});

test('everything that an engine makes is destroyed in the same ways, and refuses calls afterwards', async () => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  const made = { ...(await all(engine)), ...(await more(engine)) };
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
  for (const call of Object.values(calls)) await refused(call, 'destroyed');
});
