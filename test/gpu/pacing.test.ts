/** How much is given to a GPU at once. */
import { afterEach, expect, test, vi } from 'vitest';
import { Gpu } from '../../src/gpu/gpu';
import { Program } from '../../src/gpu/program';
import { swish } from '../../src/kernels/swish';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

afterEach(() => {
  vi.restoreAllMocks();
});

/** Programs of one op each, and how many submissions they take, one run after the other. */
async function submissionsOf(gpu: Gpu, runs: number): Promise<number[]> {
  const elements = 64;
  const [input, output] = [tensor('input', elements), tensor('output', elements)];
  const ops = Array.from({ length: 40 }, () => op(swish, 'all', { elements }, { input, output }));
  const program = await Program.compile(gpu, 'many', ops, new Map());
  const submit = vi.spyOn(gpu, 'submit');
  const counts: number[] = [];
  for (let i = 0; i < runs; i++) {
    submit.mockClear();
    await gpu.run([program]);
    counts.push(submit.mock.calls.length);
  }
  program.destroy();
  return counts;
}

test('late word of the end of a submission is not taken for work', async () => {
  const slow = new Gpu(gpu.device, { maxSubmitMilliseconds: 12 });
  const settle = slow.settle.bind(slow);
  const late = 20;
  // By a clock of the test's own, on which work takes no time.
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(slow, 'settle').mockImplementation(async (promise) => {
    const end = now + late;
    const result = await settle(promise);
    now = Math.max(now, end);
    return result;
  });
  for (let i = 0; i < 10; i++) slow.pacer.measured(1, 1e4); // as if it were very slow: one op a submission
  await slow.measureLatency();
  expect(slow.latency).toBe(late);
  const counts = await submissionsOf(slow, 8);
  expect(counts[0]).toBeGreaterThan(3);
  expect(counts.at(-1)).toBeLessThan(3);
});

test('two submissions are in flight, never more, and what comes last is handed over', async () => {
  const elements = 64;
  const [input, output] = [tensor('input', elements), tensor('output', elements)];
  const ops = Array.from({ length: 6 }, () => op(swish, 'all', { elements }, { input, output }));
  const program = await Program.compile(gpu, 'six', ops, new Map());
  const usual = gpu.pacer.maxMilliseconds;
  gpu.pacer.maxMilliseconds = 1e-6;
  const submit = gpu.submit.bind(gpu);
  let inFlight = 0;
  const most: number[] = [];
  const counted = async (...args: Parameters<typeof submit>) => {
    most.push(++inFlight);
    await submit(...args);
    inFlight--;
  };
  vi.spyOn(gpu, 'submit').mockImplementation(counted);
  try {
    expect(await gpu.runAnd([program], (encoder, work) => counted(encoder, work).then(() => 'done'))).toBe(
      'done',
    );
  } finally {
    gpu.pacer.maxMilliseconds = usual;
    program.destroy();
  }
  expect(most).toHaveLength(ops.length);
  expect(Math.max(...most)).toBe(2);
});

test('a prediction in turns is that of each turn alone, however many submissions a turn takes', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4, 4] });
  const size = 16;
  const images = Float32Array.from({ length: 150 * size }, (_, i) => (i * 0.37) % 1);
  const alone = async (first: number, end: number) => [
    ...(await unet.predict(images.subarray(first * size, end * size), end - first)),
  ];
  const expected = [...(await alone(0, 64)), ...(await alone(64, 128)), ...(await alone(128, 150))];
  const usual = gpu.pacer.maxMilliseconds;
  gpu.pacer.maxMilliseconds = 1e-6;
  try {
    expect([...(await unet.predict(images, 150))]).toEqual(expected);
  } finally {
    gpu.pacer.maxMilliseconds = usual;
  }
});
