/** Distilling: a small network's trajectories against a loop in plain numbers, and a student that learns them. */
import { afterAll, expect, test, vi } from 'vitest';
import { trainerFor } from '../../harness/run/plan';
import type { DistilEvent, Distiller, Warning } from '../../src';
import { EngineError } from '../../src/base/errors';
import { hashOfNumbers } from '../../src/base/hash';
import { normal, STREAM, threefry } from '../../src/base/random';
import { checkDistiller, type DistillerOptions, trainerOf } from '../../src/distilling/options';
import { Trajectories } from '../../src/distilling/trajectories';
import { createEngine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import { readBuffer } from '../../src/gpu/staging';
import { recipeAt } from '../../src/recipes';
import { Sampler } from '../../src/sampling/sampler';
import { Trainer } from '../../src/training/trainer';
import type { UNetConfig } from '../../src/unet/config';
import type { UNet } from '../../src/unet/unet';
import { loadModel } from '../../src/weights/model';
import { saveModel } from '../../src/weights/save_model';
import { watchBuffers } from '../lib/buffers';
import { testGpu } from '../lib/gpu';
import { floatsIn, roomFor } from '../lib/on_gpu';
import { refused } from '../lib/refused';

const { gpu, source } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
afterAll(() => engine.destroy());

const CLASSES = 3;
const SIZE = 64;
const config: Partial<UNetConfig> = {
  ...{ height: 8, width: 8, widths: [4, 8], kernelSize: 3 },
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: CLASSES },
};
const small = { calls: 2, seed: 7, noises: 10, steps: 3, batchSize: 6 } as const satisfies DistillerOptions;
const teacher = await engine.createUNet(config, { seed: 3 });
const ofTeacher = await teacher.getParameters();

/** Runs a distiller to its end, and returns what it said. */
async function distil(distiller: Distiller): Promise<DistilEvent[]> {
  const events: DistilEvent[] = [];
  for await (const event of distiller.run()) events.push(event);
  return events;
}

async function studentOf(options: DistillerOptions): Promise<{ student: UNet; events: DistilEvent[] }> {
  using distiller = await engine.createDistiller(teacher, options);
  const events = await distil(distiller);
  return { student: distiller.student!, events };
}

/** x of all noises at the beginning of each of two calls and at the end, by `predict` alone. */
async function statesByHand(together: number): Promise<Float32Array[]> {
  const { noises, seed } = small;
  let x = Float32Array.from({ length: noises * SIZE }, (_, i) => {
    const n = Math.floor(i / SIZE);
    const [chunk, within] = [n - (n % together), n % together];
    const [noiseSeed] = threefry(seed, STREAM.distil, chunk, 0);
    return normal(threefry(noiseSeed, STREAM.sample, within >> 1, i % SIZE))[within % 2];
  });
  const states = [x];
  for (let step = 0; step < 8; step++) {
    const levels = new Float32Array(noises).fill(1 - step / 8);
    const told = await teacher.predict(x, {
      count: noises,
      levels,
      labels: Array.from({ length: noises }, (_, n) => n % CLASSES),
    });
    const none = await teacher.predict(x, { count: noises, levels, labels: Array(noises).fill(CLASSES) });
    x = x.map((value, i) => value - (none[i] + 2 * (told[i] - none[i])) / 8);
    if (step % 4 === 3) states.push(x);
  }
  return states;
}

test('trajectories are made by Euler with guidance, unclipped, and a batch holds pieces of them', async () => {
  const plan = checkDistiller(teacher, small);
  const together = 4;
  const trajectories = await Trajectories.create(gpu, teacher.config, plan);
  const sampler = await Sampler.create(gpu, teacher, { count: together });
  const counts = [];
  for await (const count of trajectories.follow(sampler, undefined)) counts.push(count);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.at(-1)).toBe(small.noises);
  const { noisy, target, levels, labels } = await trajectories.batchOf(5);
  const read = (buffer: GPUBuffer) => floatsIn(gpu, buffer, small.batchSize * SIZE);
  const [from, velocity] = [await read(noisy as GPUBuffer), await read(target as GPUBuffer)];

  const states = await statesByHand(together);
  expect(states[2].some((v) => Math.abs(v) > 1.5)).toBe(true);
  const seen = new Set<string>();
  for (let n = 0; n < small.batchSize; n++) {
    const call = (levels as Float32Array)[n] === 1 ? 0 : 1;
    expect((levels as Float32Array)[n]).toBe(1 - call / 2);
    const image = from.subarray(n * SIZE, (n + 1) * SIZE);
    const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).every((v, i) => Math.abs(v - b[i]) < 1e-4);
    const of = (state: Float32Array, noise: number) => state.subarray(noise * SIZE, (noise + 1) * SIZE);
    const noise = Array.from({ length: small.noises }, (_, i) => i).find((i) =>
      close(image, of(states[call], i)),
    )!;
    expect(noise, `image ${n} of the batch`).toBeDefined();
    expect((labels as number[])[n]).toBe(noise % CLASSES);
    const [begin, end] = [states[call], states[call + 1]].map((state) => of(state, noise));
    const u = begin.map((v, i) => (v - end[i]) * 2);
    expect(close(velocity.subarray(n * SIZE, (n + 1) * SIZE), u)).toBe(true);
    seen.add(`${call} ${noise}`);
  }
  // Pieces of both calls, and of another step others.
  expect(new Set([...seen].map((piece) => piece[0])).size).toBe(2);
  expect(seen.size).toBeGreaterThan(2);
  await trajectories.batchOf(6);
  expect(await read(noisy as GPUBuffer)).not.toEqual(from);
  sampler.destroy();
  trajectories.destroy();
});

test('the teacher’s polish is left out of its trajectories', async () => {
  const polish = { noises: 2, level: 0.3 };
  const sampling = { method: 'euler', steps: 8, guidance: 2, polish } as const;
  using polished = await engine.createUNet(config, { sampling });
  await polished.setParameters(ofTeacher);
  const follow = async (unet: UNet) => {
    const trajectories = await Trajectories.create(gpu, unet.config, checkDistiller(unet, small));
    using sampler = await Sampler.create(gpu, unet, { count: small.noises });
    const counts: number[] = [];
    for await (const count of trajectories.follow(sampler, undefined)) counts.push(count);
    const { target } = await trajectories.batchOf(0);
    const bits = new Uint32Array(await readBuffer(gpu, target as GPUBuffer, small.batchSize * SIZE));
    trajectories.destroy();
    return { counts, bits };
  };
  expect(await follow(polished)).toEqual(await follow(teacher));
});

test('a student begins as its teacher, and its first loss is the teacher’s error along its trajectories', async () => {
  const { student, events } = await studentOf(small);
  student.destroy();
  const trajectories = await Trajectories.create(gpu, teacher.config, checkDistiller(teacher, small));
  const sampler = await Sampler.create(gpu, teacher, { count: small.noises });
  for await (const _ of trajectories.follow(sampler, undefined));
  const { noisy, target, levels, labels } = await trajectories.batchOf(0);
  const read = (buffer: GPUBuffer) => floatsIn(gpu, buffer, small.batchSize * SIZE);
  const told = { levels: levels as Float32Array, labels: labels as number[] };
  const output = await teacher.predict(await read(noisy as GPUBuffer), { count: small.batchSize, ...told });
  const wanted = await read(target as GPUBuffer);
  const error = output.reduce((sum, v, i) => sum + (v - wanted[i]) ** 2, 0) / output.length;
  expect(events.find(({ step }) => step === 1)!.loss).toBeCloseTo(error, 4);
  sampler.destroy();
  trajectories.destroy();
});

test('a student is trained with the settings of its recipe, averaged from the first step on', () => {
  const { trainer } = recipeAt('digits', 128);
  const { learningRate, beta2, schedule, average, clipNorm, epsilon } = trainer;
  const { span, most } = average!;
  expect(trainerOf({ batchSize: 128, learningRate: 1e-3 })).toEqual({
    ...{ batchSize: 128, learningRate: 1e-3, average: { span, most } },
    ...{ beta2, schedule, clipNorm, epsilon },
  });
  expect([beta2, schedule, span, most]).toEqual([0.994987, { warmup: 40 }, 18, 0.9995]);
  expect(learningRate).toBe(3e-3);
});

test('the student of a network in a planned run has its own schedule, and no polish', async () => {
  const polish = { noises: 4, level: 0.2 };
  const planned = await engine.createUNet(config, {
    seed: 5,
    sampling: { method: 'adams', steps: 8, guidance: 1.5, polish },
  });
  const plan = trainerFor(recipeAt('pictures', 4).trainer, { steps: 300 });
  using trainer = await engine.createTrainer(planned, plan);
  const x = new Float32Array(4 * SIZE).fill(0.5);
  await trainer.step({
    noisy: x,
    target: x,
    levels: Float32Array.of(0.2, 0.4, 0.6, 0.8),
    labels: [0, 1, 2, 0],
  });
  const create = vi.spyOn(Trainer, 'create');
  using distiller = await engine.createDistiller(planned, small);
  await distil(distiller);
  const [, , options] = create.mock.calls[0];
  expect(options).toMatchObject({ schedule: trainerOf({ batchSize: 6, learningRate: 1e-3 }).schedule });
  expect(trainer.schedule).toMatchObject({ decay: 'linear', steps: 300 });
  const { student } = distiller;
  expect(student!.sampling).toMatchObject({ calls: 2 });
  expect(student!.sampling).not.toHaveProperty('polish');
  student!.destroy();
  planned.destroy();
});

test.each([1, 2] as const)('a student of %d calls learns, and its teacher stays as it is', async (calls) => {
  const { student, events } = await studentOf({
    ...{ calls, noises: 24, steps: 60, batchSize: 16, learningRate: 0.01 },
  });
  const losses = events.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
  expect(losses).toHaveLength(60);
  const mean = (of: number[]) => of.reduce((sum, v) => sum + v, 0) / of.length;
  expect(mean(losses.slice(-5))).toBeLessThan(0.5 * mean(losses.slice(0, 5)));
  expect(events.at(-1)).toMatchObject({ trajectories: 24, step: 60, done: 1 });
  const shares = events.map(({ done }) => done);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(await teacher.getParameters()).toEqual(ofTeacher);

  // What it has learned: one step of each call goes where the teacher goes in eight with guidance.
  const labels = Array.from({ length: 12 }, (_, i) => i % CLASSES);
  const images = async (unet: UNet, steps: number, guidance: number) => {
    using sampler = await engine.createSampler(unet, { count: 12 });
    return await sampler.sample({ steps, method: 'euler', guidance, labels, seed: 99 });
  };
  const far = await images(teacher, 8, 2);
  const error = async (unet: UNet) =>
    mean(Array.from(await images(unet, calls, 1), (v, i) => (v - far[i]) ** 2));
  expect(await error(student)).toBeLessThan(await error(teacher));
  student.destroy();
});

test('a student is sampled only in its calls, keeps them in its file, and is no teacher', async () => {
  const { student } = await studentOf({ ...small, steps: 1 });
  expect(student.sampling).toEqual({ method: 'euler', steps: 2, guidance: 1, calls: 2 });
  expect(student.teacher).toBe(hashOfNumbers(...ofTeacher.values()));
  const labels = [0, 1, 2];
  using sampler = await engine.createSampler(student, { count: 3 });
  const steps: number[] = [];
  const images = await sampler.sample({ labels, seed: 1, onStep: (done) => steps.push(done) });
  expect(steps.at(-1)).toBe(2);
  const said = await sampler.sample({ labels, seed: 1, steps: 2, method: 'euler', guidance: 1 });
  expect(said).toEqual(images);
  for (const other of [
    { steps: 3 },
    { method: 'heun' },
    { method: 'adams' },
    { method: 'mix' },
    { guidance: 2 },
    { start: new Float32Array(3 * SIZE), from: 0.5 },
    { start: new Float32Array(3 * SIZE), mask: new Float32Array(3 * SIZE) },
  ] as const)
    await refused(() => sampler.sample({ labels, ...other }), 'argument', 'distilled to 2 calls');
  const encoder = gpu.device.createCommandEncoder();
  const noise = roomFor(gpu, 3 * SIZE);
  await refused(
    () => sampler.encodeRun(encoder, noise, { labels, guidance: 2 }),
    'argument',
    'guidance is 2',
  );
  sampler.encodeRun(encoder, noise, { labels });
  noise.destroy();

  const model = loadModel(await saveModel(student, { objective: 'flow' }));
  expect(model).toMatchObject({ sampling: student.sampling, teacher: student.teacher });
  using again = await engine.createUNet(model.config, { sampling: model.sampling, teacher: model.teacher });
  await again.setParameters(model.parameters);
  expect([again.sampling, again.teacher]).toEqual([student.sampling, student.teacher]);
  await refused(() => engine.createDistiller(again, small), 'argument', 'itself distilled, to 2 calls');
  student.destroy();
});

test('training a student on makes it a network like others, with a warning', async () => {
  const warnings: Warning[] = [];
  using other = await createEngine({
    ...{ device: gpu.device, selfCheck: false },
    onWarning: (warning) => warnings.push(warning),
  });
  const sampling = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  const unet = await other.createUNet(config, { sampling, teacher: '0123abcd' });
  const trainer = await other.createTrainer(unet);
  expect(warnings).toEqual([{ code: 'distilled', message: expect.stringContaining('1 call.') }]);
  expect([unet.sampling, unet.teacher]).toEqual([undefined, undefined]);
  const again = await other.createTrainer(unet);
  expect(warnings).toHaveLength(1);
  for (const each of [trainer, again, unet]) each.destroy();
});

test('a trainer that is not made leaves a distilled network distilled, and no buffer', async () => {
  const sampling = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  const mine = new Error('mine');
  const onWarning = () => {
    throw mine;
  };
  using other = await createEngine({ device: gpu.device, selfCheck: false, onWarning });
  using unet = await other.createUNet(config, { sampling });
  const abort = new AbortController();
  const made = other.createTrainer(unet, { signal: abort.signal });
  abort.abort(mine);
  await expect(made).rejects.toBe(mine);
  // What is made all the same is destroyed then.
  await expect.poll(() => unet.idle.then(() => 'idle')).toBe('idle');
  expect(unet.sampling).toEqual(sampling);

  const left = watchBuffers(gpu.device);
  await expect(other.createTrainer(unet)).rejects.toBe(mine);
  expect(left()).toEqual([]);
});

test('a network without classes is distilled without guidance', async () => {
  using plain = await engine.createUNet({ ...config, conditioning: { noiseLevel: true, classes: 0 } });
  using distiller = await engine.createDistiller(plain, small);
  await distil(distiller);
  distiller.student!.destroy();
  await refused(() => engine.createDistiller(plain, { ...small, guidance: 2 }), 'argument', 'guidance is 2');
});

test('the same seed distils the same bits, another seed others', async () => {
  const weights = async (seed: number) => {
    const { student, events } = await studentOf({ ...small, seed });
    const parameters = await student.getParameters();
    student.destroy();
    return { parameters, events };
  };
  const [a, b, c] = [await weights(7), await weights(7), await weights(8)];
  expect(b).toEqual(a);
  expect(c.parameters).not.toEqual(a.parameters);
});

test('a distiller’s memory is held during a run only, and the student stays', async () => {
  const left = watchBuffers(gpu.device);
  using distiller = await engine.createDistiller(teacher, small);
  expect([distiller.bytes, distiller.student]).toEqual([0, undefined]);
  let most = 0;
  for await (const _ of distiller.run()) most = Math.max(most, distiller.bytes);
  expect(most).toBeGreaterThan(3 * small.noises * SIZE * 4);
  expect(distiller.bytes).toBe(0);
  const { student } = distiller;
  distiller.destroy();
  expect(await student!.getParameters()).not.toEqual(ofTeacher);
  student!.destroy();
  expect(left()).toEqual([]);
});

test('a distiller whose shader is refused leaves nothing behind', async () => {
  const left = watchBuffers(gpu.device);
  using distiller = await engine.createDistiller(teacher, small);
  const { compile } = Program;
  const refusing = vi.spyOn(Program, 'compile').mockImplementation((...given: Parameters<typeof compile>) => {
    if (given[1] === 'target') throw new EngineError('shader', 'refused');
    return compile.apply(Program, given);
  });
  await expect(distiller.run().next()).rejects.toThrow('refused');
  refusing.mockRestore();
  expect(left()).toEqual([]);
  expect(await distiller.run().next()).toMatchObject({ done: false });
});

test.each([
  ['an abort among the trajectories', (event: DistilEvent) => event.trajectories > 0, 'abort'],
  ['an abort among the steps', (event: DistilEvent) => event.step > 0, 'abort'],
  ['a loop that is left', (event: DistilEvent) => event.step > 0, 'leave'],
  ['a distiller that is destroyed', (event: DistilEvent) => event.step > 0, 'destroy'],
] as const)('in a distiller’s run, %s leaves nothing behind', async (_, at, how) => {
  const left = watchBuffers(gpu.device);
  using distiller = await engine.createDistiller(teacher, small);
  const controller = new AbortController();
  const run = async () => {
    for await (const event of distiller.run({ signal: controller.signal })) {
      if (!at(event)) continue;
      if (how === 'leave') return;
      if (how === 'abort') controller.abort(new Error('enough'));
      else distiller.destroy();
    }
  };
  if (how === 'leave') await run();
  else if (how === 'abort') await expect(run()).rejects.toThrow('enough');
  else await refused(run, 'destroyed', 'distiller');
  expect([distiller.bytes, distiller.student]).toEqual([0, undefined]);
  expect(left()).toEqual([]);
  expect(await teacher.getParameters()).toEqual(ofTeacher);
  if (how === 'destroy') return;
  // The distiller may run again.
  await distil(distiller);
  distiller.student!.destroy();
});

test('a second run of a distiller at the same time is refused', async () => {
  using distiller = await engine.createDistiller(teacher, small);
  const run = distiller.run();
  await run.next();
  await refused(() => distiller.run().next(), 'busy', 'distiller');
  await run.return();
});

test('a batch that is too large for the device is refused as such', async () => {
  const device = await (await source.requestAdapter())!.requestDevice();
  using small = await createEngine({ device, selfCheck: false });
  const unet = await small.createUNet({ ...config, height: 64, width: 64 });
  const most = device.limits.maxStorageBufferBindingSize / (4 * 64 * 64);
  const large = { calls: 1, noises: 1, steps: 1, batchSize: most + 4 } as const;
  using distiller = await small.createDistiller(unet, large);
  await refused(() => distiller.run().next(), 'limit', 'distiller', 'needs a buffer of');
  device.destroy();
});

test('createDistiller refuses wrong options, and teachers that have no trajectories', async () => {
  const create = (options: object, unet = teacher) => engine.createDistiller(unet, options as typeof small);
  await refused(() => create({}), 'argument', 'calls is missing', '1 or 2');
  await refused(() => create({ calls: 3 }), 'argument', 'calls is 3');
  await refused(() => create({ ...small, noise: 3 }), 'argument', 'noise', 'noises');
  await refused(() => create({ ...small, seed: -1 }), 'argument', 'seed is -1');
  await refused(() => create({ ...small, noises: 0 }), 'argument', 'noises is 0');
  await refused(() => create({ ...small, steps: 0 }), 'argument', 'steps is 0');
  await refused(() => create({ ...small, batchSize: 0 }), 'argument', 'batchSize is 0');
  await refused(() => create({ ...small, learningRate: 0 }), 'argument', 'learningRate is 0');
  await refused(() => create({ ...small, guidance: 101 }), 'argument', 'guidance is 101');
  const most = Math.floor(2 ** 28 / (3 * SIZE * 4));
  await refused(() => create({ ...small, noises: most + 1 }), 'limit', most + 1, `Up to ${most} noises fit`);
  await refused(() => create(small, {} as UNet), 'argument', 'UNet');
  using distiller = await create(small);
  await refused(() => distiller.run({ abort: 1 } as object).next(), 'argument', 'abort');
  await refused(() => distiller.run({ signal: 1 as never }).next(), 'argument', 'signal');

  using tutorial = await engine.createUNet({ ...config, conditioning: undefined });
  await refused(() => create(small, tutorial), 'argument', 'noise level', 'digits');
  using colours = await engine.createUNet({ ...config, outChannels: 3 });
  await refused(() => create(small, colours), 'argument', '3 channels of 1');
});
