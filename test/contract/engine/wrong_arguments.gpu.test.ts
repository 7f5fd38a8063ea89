/** What a program without types may give: each is one clear error of this library, never a TypeError of its insides. */
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { EngineError } from '../../../src/base/errors';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { loadIdx, loadLabels } from '../../../src/data/idx';
import { createEngine, type Engine } from '../../../src/engine';
import { requestDevice } from '../../../src/gpu/request_device';
import { exportOnnx } from '../../../src/onnx/index';
import { loadPretrained } from '../../../src/pretrained/index';
import { createPictureTexture, deviceOf } from '../../../src/three/index';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { encodeSafetensors } from '../../../src/weights/encode';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { connect, createSession, expose } from '../../../src/worker';
import { hurry } from '../../lib/clock';
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
/** A client, and a session that is exposed here. */
const { port1, port2 } = new MessageChannel();
const session = createSession({ store: false, engine: { gpu: source, selfCheck: false } });
expose(port1, session);
const client = connect(port2);
afterAll(() => {
  client.destroy();
  port1.close();
  engine.destroy();
});

/** What of three's a picture needs. */
class Texture {
  readonly repeat = { set: () => {} };
  readonly offset = { set: () => {} };
  dispose() {}
}

test('every call refuses nothing, null and values of other types, in place of each of its arguments', async () => {
  const { conv2d, activation, adam, painter } = await more(engine);
  const state = await trainer.getState();
  const picture = { height: 4, width: 8, channels: 1 };
  const images = { noisy: buffer, target: buffer };
  const fit = { epochs: 1 };
  const options = {};
  const none = new Uint8Array();
  const saved = { config: unet.config, getParameters: async () => parameters };
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
  const calls: readonly (readonly [call: (...args: any[]) => unknown, ...legal: unknown[]])[] = [
    [(o) => createEngine(o), options],
    [(gpu, o) => requestDevice(gpu, o), source, options],
    [(c, o) => engine.createUNet(c, o), config, options],
    [(widths) => engine.createUNet({ widths: widths ?? null }), [4]],
    [(given) => engine.createDataset(given), set],
    [(images) => engine.createDataset({ ...set, images }), set.images],
    [(net, o) => engine.createTrainer(net, o), unet, options],
    [(net, o) => engine.createSampler(net, o), unet, options],
    [(net, o) => engine.createDistiller(net, o), unet, { calls: 1 }],
    [(net, o) => engine.createPredictor(net, o), unet, options],
    [(given) => unet.setParameters(given), parameters],
    [(given, told) => unet.predict(given, told), new Float32Array(size), options],
    [(given) => trainer.step(given), batch()],
    [(noisy, target) => trainer.step({ noisy, target }), batch().noisy, batch().target],
    [(data, o) => trainer.fit(data, o).next(), dataset, fit],
    [(data, o) => trainer.runFor(data, o), dataset, { milliseconds: 1 }],
    [(data, o) => trainer.evaluate(data, o), set, options],
    [(o) => trainer.checkpoint(o), { fit, images: set }],
    [(fit, images) => trainer.checkpoint({ fit, images }), fit, set],
    [(file, o) => engine.resume(file, o), none, { images: set }],
    [(images) => engine.resume(none, { images }), set],
    [(given) => trainer.setState(given), state],
    [(adam) => trainer.setState({ ...state, adam: adam ?? null }), state.adam],
    [(corrections) => trainer.setState({ ...state, corrections: corrections ?? null }), state.corrections],
    [(e, given, o) => trainer.encodeStep(e, given, o), encoder, images, options],
    [(o) => trainer.encodeForward(encoder, o), fit],
    [(o) => trainer.encodeBackward(encoder, o), fit],
    [(o) => trainer.encodeUpdate(encoder, o ?? null), options],
    [(e) => unet.encodePack(e), encoder],
    [(o) => sampler.sample(o), options],
    [(o) => sampler.run(o).next(), options],
    [(e, to, o) => sampler.encodeRun(e, to, o), encoder, buffer, { steps: 2 }],
    [(e, from, to, told) => predictor.encode(e, from, to, told), encoder, buffer, buffer, options],
    [(file) => loadModel(file), none],
    [(net) => saveModel(net), saved],
    [(parameters) => saveModel({ ...saved, parameters }), unet.parameters],
    [(file) => loadCheckpoint(file), none],
    [(file) => decodeSafetensors(file), none],
    [(given) => fingerprintImages(given), set],
    [(all, metadata) => encodeSafetensors(all, metadata), [], options],
    [(one) => encodeSafetensors([one]), fit],
    [(net) => exportOnnx(net), saved],
    [(one) => exportOnnx({ ...saved, parameters: new Map([['down.0.kernel', one]]) }), none],
    [(file, o) => loadIdx(file, o), none, options],
    [(o) => loadLabels(none, o), options],
    [(o) => loadDigits(o), options],
    [(o) => loadDigitLabels(o), options],
    [(o) => loadPretrained('digits', o), options],
    [(shape, o) => engine.createConv2d(shape, o), convolution, options],
    [(given) => conv2d.encodeForward(encoder, given), fit],
    [(shape, o) => engine.createActivation(shape, o), { ...picture, batch: 1 }, options],
    [(e) => activation.encodeForward(e, { input: buffer, output: buffer }), encoder],
    [(n, o) => engine.createAdam(n, o), 4, options],
    [(given, o) => adam.encode(encoder, given, o), { parameters: buffer, gradient: buffer }, options],
    [(o) => engine.createPainter(o), picture],
    [(given) => painter.paint(given, given), buffer],
    [(given) => deviceOf(given), fit],
    [(backend) => deviceOf({ init: async () => {}, backend }), fit],
    [(of, Class, o) => createPictureTexture(of, Class, o), engine, Texture, picture],
    [(o) => createSession(o), options],
    [(port, of) => expose(port, of), new MessageChannel().port1, session],
    [(port) => connect(port), port2],
    [(run, o) => client.begin(run, o), { images: set }, options],
    [(o) => client.resume(o), fit],
    [(from) => client.resume({ from }), none],
    [() => client.resume({ from: 'a/b' }), none],
    [(id) => client.discard(id), 'run'],
    [(o) => client.train(o ?? null).next(), options],
    [(o) => client.sample(o ?? null), options],
    [(o) => client.sample({}, o ?? null), options],
    [(o) => client.close(o ?? null), options],
    [(o) => client.adjust(o), fit],
    [(schedule) => client.adjust({ schedule: schedule ?? null }), options],
    [(file) => client.load(file), none],
    [(what) => client.save(what), 'model'],
    [(listener) => client.on('stored', listener), fit],
    [(kind, work, o) => session.turn(kind, work, o), 'answer', () => {}, options],
  ];
  const faults: string[] = [];
  for (const [call, ...legal] of calls)
    for (const [i, argument] of legal.entries()) {
      // Options may be left out, and what then happens takes a while.
      const isOptions = argument === options;
      for (const given of [...(isOptions ? [] : [undefined, {}]), null, 3, 'three', true]) {
        try {
          await call(...legal.with(i, given));
        } catch (error) {
          const isOurs =
            error instanceof EngineError && ['argument', 'data', 'no-webgpu'].includes(error.code);
          if (!isOurs) faults.push(`${call}, argument ${i}, ${JSON.stringify(given)}: ${error}`);
        }
      }
    }
  expect(faults).toEqual([]);
});

const bytes = new Uint8Array(1);
const [first] = parameters.keys();
const fits = { images: set, fit: { epochs: 1 } };
const switches = [
  'tune',
  'residual',
  'reuseMemory',
  'customLoss',
  'binarize',
  'dropLast',
  'accumulate',
  'backward',
  'store',
];
/** The options of each call that may be neither a number nor a text nor null. */
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose.
const options: readonly (readonly [names: string, call: (options: any) => unknown])[] = [
  ['variants tune onWarning onProgress tuningCache', (o) => createEngine({ device, ...o })],
  ['powerPreference gpu device', (o) => createEngine(o)],
  ['tune', (o) => Object.assign(engine, o)],
  ['powerPreference', (o) => requestDevice(source, o)],
  ['gpu', ({ gpu }) => requestDevice(gpu)],
  ['residual', (o) => engine.createUNet({ ...config, ...o })],
  ['variants reuseMemory customLoss', (o) => engine.createTrainer(unet, o)],
  ['variants', (o) => engine.createSampler(unet, o)],
  ['variants reuseMemory', (o) => engine.createPredictor(unet, o)],
  ['variants backward', (o) => engine.createConv2d(convolution, o)],
  ['signal binarize dropLast', (o) => trainer.fit(dataset, { epochs: 1, ...o }).next()],
  ['signal binarize dropLast', (o) => trainer.runFor(dataset, { milliseconds: 1, ...o })],
  ['signal binarize', (o) => trainer.evaluate(set, o)],
  ['losses', (o) => trainer.checkpoint({ fit: { epochs: 1 }, images: set, ...o })],
  ['accumulate', (o) => trainer.encodeBackward(encoder, { outputGradient: device as never, ...o })],
  ['signal onStep', (o) => sampler.sample({ steps: 1, ...o })],
  ['signal', (o) => sampler.run({ steps: 1, ...o }).next()],
  ['signal', (o) => loadIdx(bytes, o)],
  ['signal', (o) => loadLabels(bytes, o)],
  ['signal', (o) => loadDigits(o)],
  ['signal', (o) => loadDigitLabels(o)],
  ['signal', (o) => loadPretrained('digits', o)],
  ['signal', (o) => client.begin(fits, o)],
  ['signal', (o) => client.resume({ from: bytes }, o)],
  ['signal', (o) => client.train(o).next()],
  ['signal onStep onFrame', (o) => client.sample({}, o)],
  ['keep', (o) => client.close(o)],
  ['listener', ({ listener }) => client.on('stored', listener)],
  ['images store', (o) => createSession(o)],
  ['half', (o) => expose(new MessageChannel().port1, session, o)],
  [
    first,
    (o) =>
      exportOnnx({ config: unet.config, parameters: new Map([...parameters, ...Object.entries<never>(o)]) }),
  ],
];
test.each(options)('%s of another type are refused by name, in call %#', async (names, call) => {
  for (const name of names.split(' '))
    for (const given of [3, 'false', null]) {
      const { message } = await refused(() => call({ [name]: given }), 'argument');
      expect(
        [`${name} `, JSON.stringify(name)].some((named) => message.includes(named)),
        message,
      ).toBe(true);
      if (switches.includes(name))
        expect(message).toContain(`${name} is ${JSON.stringify(given)}; it must be true or false.`);
    }
});

test.each<[string, () => unknown]>([
  ['lables', () => engine.createDataset({ ...set, lables: set.images } as never)],
  ['count', () => loadIdx(bytes, { count: 3 } as never)],
  ['"nope"', () => session.turn('nope' as never, () => {})],
  ['tuningCache.get', () => createEngine({ device, tuningCache: {} as never })],
  ['cacheKey is 3; it must be a text', () => createEngine({ device, cacheKey: 3 as never })],
  ['selfCheck is "false"', () => createEngine({ device, selfCheck: 'false' as never })],
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
  void hurry();
  onTestFinished(() => void vi.useRealTimers());
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
