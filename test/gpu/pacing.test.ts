/** How much is given to a GPU at once. */
import { afterEach, expect, test, vi } from 'vitest';
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

test('as many submissions are in flight as the pacer has room for, and what comes last is handed over', async () => {
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
  vi.spyOn(gpu.pacer, 'roomIn').mockImplementation((count) => (count < 3 ? 0 : Number.POSITIVE_INFINITY));
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
  expect(Math.max(...most)).toBe(3);
});

test('a prediction in turns is that of each turn alone, however many submissions a turn takes', async () => {
  using unet = await UNet.create(gpu, { height: 4, width: 4, widths: [4, 4] });
  const size = 16;
  const images = Float32Array.from({ length: 150 * size }, (_, i) => (i * 0.37) % 1);
  const alone = async (first: number, end: number) => [
    ...(await unet.predict(images.subarray(first * size, end * size), { count: end - first })),
  ];
  const expected = [...(await alone(0, 64)), ...(await alone(64, 128)), ...(await alone(128, 150))];
  const usual = gpu.pacer.maxMilliseconds;
  gpu.pacer.maxMilliseconds = 1e-6;
  try {
    expect([...(await unet.predict(images, { count: 150 }))]).toEqual(expected);
  } finally {
    gpu.pacer.maxMilliseconds = usual;
  }
});
