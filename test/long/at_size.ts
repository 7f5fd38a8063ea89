/** Kernels that are wrong at the size of a network only, and those that are right. */
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, recipeAt, recipes } from '../../src/index';
import { nodeGpu } from '../../src/node/dawn';
import { digits, type Network, tutorial } from '../checked_networks';
import { makeHostile, someGpu } from '../hostile/hostile_device';
import { fourSteps, onWrong, type WrongWhere, wrongText } from '../hostile/wrong';
import { Random } from '../spec';
import { all, type Row } from './row';

const BATCH = 64;
/** With channels, images and a width beyond those of the self-check's small cases. */
const larger = ({ config, trainer }: Network, kernelSize: number): Network => ({
  config: { ...config, kernelSize, widths: [24, 24] },
  trainer: { ...trainer, batchSize: BATCH },
  methods: [],
});
const networks = {
  tutorial: larger(tutorial, 5),
  digits: larger(digits, 5),
  'digits-3x3': larger(digits, 3),
};
const places: readonly WrongWhere[] = [
  { width: 14 },
  { batch: BATCH },
  { channel: 16 },
  { lastOf: 24 },
  { step: 16 },
];
/** Of the faults of a network, one in so many is planted: all take an hour. */
const EVERY = 4;

const exactly = (shader: string) => new RegExp(`^${shader.replaceAll('.', '\\.')}$`);

/** Plants faults in a network's shaders: how many changed what it computes, or were noticed, and those that were not noticed. */
async function plantAll(network: Network, adapterInfo?: Partial<GPUAdapterInfo>) {
  const { device } = await requestDevice(await nodeGpu());
  const texts = new Map<string, string>();
  const rewrites = (name: string, text: string) => {
    texts.set(name, text);
    return text;
  };
  using _ = makeHostile(device, { rewrites, ...(adapterInfo ? { adapterInfo } : {}) });
  const options = { tune: false };
  const healthy = await onWrong(device, network, /^nothing$/, {}, fourSteps, {
    ...options,
    selfCheck: false,
  });
  const faults = [...texts].flatMap(([shader, text]) =>
    places.filter((where) => wrongText(text, where)).map((where) => ({ shader, where })),
  );
  let planted = 0;
  const missed: string[] = [];
  for (const { shader, where } of faults.filter((_, i) => i % EVERY === 0)) {
    const { result, error } = await onWrong(device, network, exactly(shader), where, fourSteps, options);
    const name = `${shader} ${JSON.stringify(where)}`;
    if (!error) {
      // Where a shader has fewer workgroups or channels, or another width, nothing is wrong.
      if (String(result.losses) === String(healthy.result!.losses)) continue;
      missed.push(name);
    } else if (!error.message.includes('at its real size')) continue; // in a small case already
    planted++;
  }
  device.destroy();
  return { planted, missed };
}

const wrong: readonly Row[] = Object.entries(networks).map(([name, network]) => ({
  name: `hostile: wrong at size, ${name}`,
  async run() {
    const runs = [await plantAll(network), await plantAll(network, someGpu)];
    const missed = runs.flatMap(({ missed }) => missed);
    if (missed.length > 0) throw new Error(`not noticed: ${missed.join(', ')}`);
    const planted = runs.reduce((sum, run) => sum + run.planted, 0);
    return all(planted, planted);
  },
}));

/** When weights are compared: after so many steps. */
const STEPS = [0, 1, 3, 10, 30, 100, 200, 400, 700, 1000];
const BATCHES = [4, 12, 32, 64, 100, 160, 256];

/** Compares a recipe's kernels at all batches while a network is trained. How often, and the errors and warnings. */
async function compareAll(name: keyof typeof recipes): Promise<{ compared: number; alarms: string[] }> {
  const alarms: string[] = [];
  const onWarning = ({ message }: { message: string }) => alarms.push(message);
  using engine = await createEngine({ gpu: await nodeGpu(), tune: false, onWarning });
  const unet = await engine.createUNet(recipes[name].network, { seed: 1 });
  const { height, width, channels } = unet.config;
  const count = 512;
  const images = Uint8Array.from(new Random(2).integers(count * height * width * channels, 256));
  const labels = Uint8Array.from(new Random(3).integers(count, 10));
  const dataset = await engine.createDataset({ images, labels, count, height, width, channels });
  using trainer = await engine.createTrainer(unet, recipeAt(name, 64).trainer);
  let [step, compared] = [0, 0];
  for (const until of STEPS) {
    if (until > step)
      for await (const _ of trainer.fit(dataset, { epochs: 1000, maxSteps: until - step })) step++;
    for (const batch of BATCHES) {
      const passed: string[] = [];
      engine.gpu.passed = { has: async () => false, add: async (...keys) => void passed.push(...keys) };
      const settings = { ...recipeAt(name, batch).trainer, averageWeights: false, learningRate: 1e-12 };
      using other = await engine.createTrainer(unet, settings);
      try {
        for await (const _ of other.fit(dataset, { epochs: 2, maxSteps: 2 }));
      } catch (error) {
        alarms.push(`${batch} images after ${until} steps: ${error}`);
      }
      if (passed.length > 1) compared++;
    }
  }
  return { compared, alarms };
}

const right: readonly Row[] = (['tutorial', 'digits', 'digits-3x3'] as const).map((name) => ({
  name: `no false alarm at size, ${name}`,
  async run() {
    const { compared, alarms } = await compareAll(name);
    if (alarms.length > 0) throw new Error(alarms.join('\n'));
    return all(compared, STEPS.length * BATCHES.length, ' comparisons');
  },
}));

export const atSize = [...wrong, ...right];
