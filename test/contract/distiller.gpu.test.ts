/** Distilling: a small network's trajectories against a loop in plain numbers, and a student that learns them. */
import { afterAll, expect, test, vi } from 'vitest';
import type { DistilEvent, Distiller, Warning } from '../../src';
import { EngineError } from '../../src/base/errors';
import { hashOfNumbers } from '../../src/base/hash';
import { normal, STREAM, threefry } from '../../src/base/random';
import { checkDistiller, type DistillerOptions } from '../../src/distilling/options';
import { Trajectories } from '../../src/distilling/trajectories';
import { createEngine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import { Sampler } from '../../src/sampling/sampler';
import type { UNetConfig } from '../../src/unet/config';
import type { UNet } from '../../src/unet/unet';
import { loadModel } from '../../src/weights/model';
import { saveModel } from '../../src/weights/save_model';
import { watchBuffers } from '../lib/buffers';
import { testGpu } from '../lib/gpu';
import { floatsIn, furthest, roomFor } from '../lib/on_gpu';
import { refused } from '../lib/refused';
import { CLASSES, conditionedNetwork, SIZE } from '../lib/small_trainer';

const { gpu, source } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
afterAll(() => engine.destroy());

const small = { calls: 2, seed: 7, noises: 10, steps: 3, batchSize: 6 } as const satisfies DistillerOptions;
const teacher = await engine.createUNet(conditionedNetwork, { seed: 3 });
const ofTeacher = await teacher.getParameters();
const distilled = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;

/** Runs a distiller to its end, and returns what it said. */
async function distil(distiller: Distiller): Promise<DistilEvent[]> {
  const events: DistilEvent[] = [];
  for await (const event of distiller.run()) events.push(event);
  return events;
}

async function studentOf(options: DistillerOptions, of = teacher) {
  using distiller = await engine.createDistiller(of, options);
  const events = await distil(distiller);
  return { student: distiller.student!, events };
}

/** The trajectories of a network, made of `together` noises at a time: how many there are after each turn, and a step's batch of pieces. */
async function trajectoriesOf(unet: UNet, together: number) {
  const trajectories = await Trajectories.create(gpu, unet.config, checkDistiller(unet, small));
  using sampler = await Sampler.create(gpu, unet, { count: together });
  const counts: number[] = [];
  for await (const count of trajectories.follow(sampler, undefined)) counts.push(count);
  return {
    counts,
    async batchOf(step: number) {
      const { noisy, target, levels, labels } = await trajectories.batchOf(step);
      const read = (buffer: unknown) => floatsIn(gpu, buffer as GPUBuffer, small.batchSize * SIZE);
      return {
        noisy: await read(noisy),
        target: await read(target),
        levels: levels as Float32Array,
        labels: labels as number[],
      };
    },
    [Symbol.dispose]: () => trajectories.destroy(),
  };
}

/** x of all noises at the beginning of each of two calls and at the end, by `predict` alone. */
async function statesByHand(together: number): Promise<Float32Array[]> {
  const { noises, seed } = small;
  let x = Float32Array.from({ length: noises * SIZE }, (_, i) => {
    const n = Math.floor(i / SIZE);
    const chunk = n - (n % together);
    const within = n % together;
    const [noiseSeed] = threefry(seed, STREAM.distil, chunk, 0);
    return normal(threefry(noiseSeed, STREAM.sample, within >> 1, i % SIZE))[within % 2];
  });
  const states = [x];
  const classes = Array.from({ length: noises }, (_, n) => n % CLASSES);
  for (let step = 0; step < 8; step++) {
    const levels = new Float32Array(noises).fill(1 - step / 8);
    const predict = (labels: number[]) => teacher.predict(x, { count: noises, levels, labels });
    const told = await predict(classes);
    const none = await predict(Array(noises).fill(CLASSES));
    x = x.map((value, i) => value - (none[i] + 2 * (told[i] - none[i])) / 8);
    if (step % 4 === 3) states.push(x);
  }
  return states;
}

test('trajectories are made by Euler with guidance, unclipped, and a batch holds pieces of them', async () => {
  using trajectories = await trajectoriesOf(teacher, 4);
  const { counts } = trajectories;
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
  expect(counts.at(-1)).toBe(small.noises);
  const { noisy, target, levels, labels } = await trajectories.batchOf(5);
  const states = await statesByHand(4);
  expect(states[2].some((v) => Math.abs(v) > 1.5)).toBe(true);
  const seen = new Set<string>();
  const part = (values: Float32Array, n: number) => values.subarray(n * SIZE, (n + 1) * SIZE);
  for (let n = 0; n < small.batchSize; n++) {
    const call = levels[n] === 1 ? 0 : 1;
    expect(levels[n]).toBe(1 - call / 2);
    const noises = Array.from({ length: small.noises }, (_, i) => i);
    const noise = noises.find((i) => furthest(part(noisy, n), part(states[call], i)) < 1e-4)!;
    expect(labels[n], `image ${n} of the batch`).toBe(noise % CLASSES);
    const [begin, end] = [states[call], states[call + 1]].map((state) => part(state, noise));
    const velocity = begin.map((v, i) => (v - end[i]) * 2);
    expect(furthest(part(target, n), velocity)).toBeLessThan(1e-4);
    seen.add(`${call} ${noise}`);
  }
  // Pieces of both calls, and of another step others.
  expect(new Set([...seen].map((piece) => piece[0])).size).toBe(2);
  expect(seen.size).toBeGreaterThan(2);
  expect((await trajectories.batchOf(6)).noisy).not.toEqual(noisy);
});

test('the teacher’s polish is left out of its trajectories, and of its student', async () => {
  const sampling = { method: 'adams', steps: 8, guidance: 2, polish: { noises: 2, level: 0.3 } } as const;
  using polished = await engine.createUNet(conditionedNetwork, { sampling });
  await polished.setParameters(ofTeacher);
  const follow = async (unet: UNet) => {
    using trajectories = await trajectoriesOf(unet, small.noises);
    return [trajectories.counts, await trajectories.batchOf(0)];
  };
  expect(await follow(polished)).toEqual(await follow(teacher));
  using student = (await studentOf({ ...small, steps: 1 }, polished)).student;
  expect(student.sampling).toEqual({ ...distilled, steps: 2, calls: 2 });
});

test('a student begins as its teacher, and its first loss is the teacher’s error along its trajectories', async () => {
  const { student, events } = await studentOf(small);
  student.destroy();
  using trajectories = await trajectoriesOf(teacher, small.noises);
  const { noisy, target, ...told } = await trajectories.batchOf(0);
  const output = await teacher.predict(noisy, { count: small.batchSize, ...told });
  const error = output.reduce((sum, v, i) => sum + (v - target[i]) ** 2, 0) / output.length;
  expect(events.find(({ step }) => step === 1)!.loss).toBeCloseTo(error, 4);
});

test.each([1, 2] as const)('a student of %d calls learns, and its teacher stays as it is', async (calls) => {
  const { student, events } = await studentOf({
    calls,
    noises: 24,
    steps: 60,
    batchSize: 16,
    learningRate: 0.01,
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
  using student = (await studentOf({ ...small, steps: 1 })).student;
  expect(student.teacher).toBe(hashOfNumbers(...ofTeacher.values()));
  const labels = [0, 1, 2];
  using sampler = await engine.createSampler(student, { count: 3 });
  const steps: number[] = [];
  const images = await sampler.sample({ labels, seed: 1, onStep: (done) => steps.push(done) });
  expect(steps.at(-1)).toBe(2);
  const said = await sampler.sample({ labels, seed: 1, steps: 2, method: 'euler', guidance: 1 });
  expect(said).toEqual(images);
  const encoder = gpu.device.createCommandEncoder();
  const noise = roomFor(gpu, 3 * SIZE);
  const guided = () => sampler.encodeRun(encoder, noise, { labels, guidance: 2 });
  await refused(guided, 'argument', 'guidance is 2');
  sampler.encodeRun(encoder, noise, { labels });
  noise.destroy();

  const model = loadModel(await saveModel(student, { objective: 'flow' }));
  const { sampling, teacher: of } = model;
  expect({ sampling, of }).toEqual({ sampling: student.sampling, of: student.teacher });
  using again = await engine.createUNet(model.config, { sampling, teacher: of });
  expect({ sampling: again.sampling, teacher: again.teacher }).toEqual({ sampling, teacher: of });
  await refused(() => engine.createDistiller(again, small), 'argument', 'itself distilled, to 2 calls');
});

test('training a student on makes it a network like others, with a warning', async () => {
  const warnings: Warning[] = [];
  using other = await createEngine({
    device: gpu.device,
    selfCheck: false,
    onWarning: (warning) => warnings.push(warning),
  });
  const unet = await other.createUNet(conditionedNetwork, { sampling: distilled, teacher: '0123abcd' });
  await other.createTrainer(unet);
  expect(warnings).toEqual([{ code: 'distilled', message: expect.stringContaining('1 call.') }]);
  expect({ sampling: unet.sampling, teacher: unet.teacher }).toEqual({
    sampling: undefined,
    teacher: undefined,
  });
  await other.createTrainer(unet);
  expect(warnings).toHaveLength(1);
});

test('a trainer that is not made leaves a distilled network distilled, and no buffer', async () => {
  const mine = new Error('mine');
  const onWarning = () => {
    throw mine;
  };
  using other = await createEngine({ device: gpu.device, selfCheck: false, onWarning });
  using unet = await other.createUNet(conditionedNetwork, { sampling: distilled });
  const abort = new AbortController();
  const made = other.createTrainer(unet, { signal: abort.signal });
  abort.abort(mine);
  await expect(made).rejects.toBe(mine);
  // What is made all the same is destroyed then.
  await unet.idle;
  expect(unet.sampling).toEqual(distilled);

  const left = watchBuffers(gpu.device);
  await expect(other.createTrainer(unet)).rejects.toBe(mine);
  expect(left()).toEqual([]);
});

test('a network without classes is distilled without guidance', async () => {
  using plain = await engine.createUNet({
    ...conditionedNetwork,
    conditioning: { noiseLevel: true, classes: 0 },
  });
  using student = (await studentOf(small, plain)).student;
  expect(student.sampling?.guidance).toBe(1);
  await refused(() => engine.createDistiller(plain, { ...small, guidance: 2 }), 'argument', 'guidance is 2');
});

test('a distiller’s memory is held during one run only, and the student stays', async () => {
  const left = watchBuffers(gpu.device);
  using distiller = await engine.createDistiller(teacher, small);
  expect({ bytes: distiller.bytes, student: distiller.student }).toEqual({ bytes: 0, student: undefined });
  let most = 0;
  for await (const _ of distiller.run()) {
    if (most === 0) await refused(() => distiller.run().next(), 'busy', 'distiller');
    most = Math.max(most, distiller.bytes);
  }
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

test('a batch that is too large for the device is refused as such', async () => {
  const device = await (await source.requestAdapter())!.requestDevice();
  using other = await createEngine({ device, selfCheck: false });
  const unet = await other.createUNet({ ...conditionedNetwork, height: 64, width: 64 });
  const most = device.limits.maxStorageBufferBindingSize / (4 * 64 * 64);
  const large = { calls: 1, noises: 1, steps: 1, batchSize: most + 4 } as const;
  using distiller = await other.createDistiller(unet, large);
  await refused(() => distiller.run().next(), 'limit', 'distiller', 'needs a buffer of');
});

test('createDistiller refuses wrong options, and teachers that have no trajectories', async () => {
  const most = Math.floor(2 ** 28 / (3 * SIZE * 4));
  const networks: Partial<UNetConfig>[] = [
    { ...conditionedNetwork, conditioning: undefined },
    { ...conditionedNetwork, outChannels: 3 },
  ];
  const [tutorial, colours] = await Promise.all(networks.map((each) => engine.createUNet(each)));
  for (const [change, code, facts, of = teacher] of [
    [{ calls: undefined }, 'argument', ['calls is missing', '1 or 2']],
    [{ calls: 3 }, 'argument', ['calls is 3']],
    [{ noise: 3 }, 'argument', ['noise', 'noises']],
    [{ seed: -1 }, 'argument', ['seed is -1']],
    [{ noises: 0 }, 'argument', ['noises is 0']],

    [{ learningRate: 0 }, 'argument', ['learningRate is 0']],
    [{ guidance: 101 }, 'argument', ['guidance is 101']],
    [{ noises: most + 1 }, 'limit', [most + 1, `Up to ${most} noises fit`]],
    [{}, 'argument', ['UNet'], {} as UNet],
    [{}, 'argument', ['noise level', 'digits'], tutorial],
    [{}, 'argument', ['3 channels of 1'], colours],
  ] as const)
    await refused(() => engine.createDistiller(of, { ...small, ...change } as never), code, ...facts);
  using distiller = await engine.createDistiller(teacher, small);
  for (const [options, fact] of [
    [{ abort: 1 }, 'abort'],
    [{ signal: 1 }, 'signal'],
  ] as const)
    await refused(() => distiller.run(options as never).next(), 'argument', fact);
});
