/** What an engine tells of itself for a bug report. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { version } from '../../../package.json';
import { createEngine, type Engine, type EngineReport } from '../../../src/index';
import { memoryCache } from '../../../src/trust/cache';
import { tuningEffort } from '../../../src/tuning/tuner';
import { tutorial } from '../../lib/checked_networks';
import { testGpu } from '../../lib/gpu';
import { makeHostile, someGpu, wrongAdam } from '../../lib/hostile/hostile_device';
import { until } from '../../lib/until';
import { losableGpu } from '../../lib/worker/losable';

const { gpu } = await testGpu();
const { device } = gpu;

const images = new Float32Array(4 * 256);
async function train(engine: Engine, options = {}) {
  const trainer = await engine.createTrainer(await engine.createUNet(tutorial.config), {
    batchSize: 4,
    ...options,
  });
  await trainer.step({ target: images, noisy: images });
  return trainer;
}

/** As it comes out of a message. */
const reportOf = async (engine: Engine): Promise<EngineReport> =>
  JSON.parse(JSON.stringify(await engine.report()));

test('a report has adapter, limits, features, versions, pipelines, checks and pacing', async () => {
  using engine = await createEngine({ device, tuningCache: memoryCache(), cacheKey: 'a driver' });
  const before = await reportOf(engine);
  expect(before).toMatchObject({ variants: {}, pipelines: [], warnings: [], losses: [] });
  const { variants } = await train(engine);
  const report = await reportOf(engine);
  expect(report.adapter).toEqual(engine.adapter);
  expect(report.versions).toMatchObject({ library: version, cacheKey: 'a driver' });
  expect(report.limits.maxBufferSize).toBe(device.limits.maxBufferSize);
  expect(Object.keys(report.limits).length).toBeGreaterThan(25);
  expect(report.features).toEqual([...device.features].sort());
  expect(Date.now() - Date.parse(report.date)).toBeLessThan(60_000);

  const used = report.variants['training 4 images'];
  expect(Object.fromEntries(used.map(({ layer, variant }) => [layer, variant]))).toEqual(variants);
  expect(new Set(used.map(({ why }) => why))).toEqual(new Set(['order of preference']));
  const times = report.pipelines.map(({ milliseconds }) => milliseconds);
  expect(report.pipelines.map(({ shader }) => shader)).toContain('adam');
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(times.at(-1)).toBeGreaterThan(0);
  expect(report.checks!.passed).toBeGreaterThan(10);
  expect(report.checks!.unusable).toEqual([]);
  expect(report.pacing).toMatchObject({
    maxSubmitMilliseconds: 300,
    latencyMilliseconds: engine.gpu.latency,
  });
  expect(report.pacing.workPerSecond.adam).toBeGreaterThan(0);
});

describe('a report about the tuner', () => {
  const effort = tuningEffort.gpu as { milliseconds: number };
  const { milliseconds } = effort;
  beforeEach(() => {
    // Enough for any machine, and all measurements take a tenth of the time.
    effort.milliseconds = 600_000;
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => 10 * now());
  });
  afterEach(() => {
    effort.milliseconds = milliseconds;
  });

  test('says why each variant is used: measured now or before, or fixed; and what was measured', async () => {
    using card = makeHostile(device, { adapterInfo: someGpu });
    const whys = async (engine: Engine) =>
      new Set((await reportOf(engine)).variants['training 4 images'].map(({ why }) => why));
    using first = await createEngine({ device, tuningCache: memoryCache() });
    const { variants } = await train(first);
    expect(await whys(first)).toContain('measured now');
    const { measured } = await reportOf(first);
    const [name, variant] = Object.entries(variants)[0];
    expect(
      measured.filter(({ kernel, layer }) => `${kernel}/${layer}` === name).map((m) => m.variant),
    ).toContain(variant);
    const known = JSON.stringify({ value: 'direct', date: Date.parse('2026-11-20') });
    const tuningCache = { get: async () => known, set: async () => {} };
    using second = await createEngine({ device, tuningCache, selfCheck: false });
    await train(second);
    expect(await whys(second)).toContain('measured on 2026-11-20T00:00:00.000Z');
    using third = await createEngine({ device, tuningCache, selfCheck: false });
    await train(third, { variants });
    expect(await whys(third)).toEqual(new Set(['fixed by the caller']));
    expect(card.asked.size).toBeGreaterThan(0);
  });

  test('names a variant that the tuner leaves out because it was refused, and a warning does, too', async () => {
    const warnings: string[] = [];
    using _ = makeHostile(device, {
      adapterInfo: someGpu,
      refuses: (shader) => shader === 'conv2d.tile',
    });
    using engine = await createEngine({
      device,
      tuningCache: memoryCache(),
      onWarning: ({ code, kernel, variant, message }) =>
        warnings.push(`${code} ${kernel}.${variant}: ${message}`),
    });
    await train(engine);
    const refused = ['conv2d', 'conv2d_grad_input'];
    expect(
      warnings.map((warning) => /^refused-kernel (\w+)\.tile: .* It is left out\.$/s.exec(warning)?.[1]),
    ).toEqual(refused);
    const report = await reportOf(engine);
    expect(report.rejected).toEqual(refused.map((kernel) => `${kernel}.tile`));
    expect(report.warnings).toMatchObject(
      refused.map((kernel) => ({ code: 'refused-kernel', kernel, variant: 'tile' })),
    );
    expect(report.pipelines.map(({ shader }) => shader)).toContain('conv2d.tile');
  });
});

test('a report names a wrong kernel, and a lost device also at the next visit', async () => {
  const tuningCache = memoryCache();
  const { gpu: source, lose } = losableGpu();
  const engine = await createEngine({ gpu: source, tuningCache });
  {
    using _ = makeHostile(engine.device, wrongAdam);
    await expect(train(engine)).rejects.toThrow('The kernel adam');
  }
  expect((await reportOf(engine)).checks!.unusable).toEqual([expect.stringContaining('The kernel adam')]);
  lose();
  await engine.device.lost;
  const losses = [{ message: 'A test has lost it.' }];
  await until(async () => (await reportOf(engine)).losses.length > 0);
  expect((await reportOf(engine)).losses).toMatchObject(losses);
  engine.destroy();
  using next = await createEngine({ gpu: source, tuningCache });
  expect((await reportOf(next)).losses).toMatchObject(losses);
});
