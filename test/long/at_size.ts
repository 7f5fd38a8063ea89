/** Kernels that are wrong at the size of a network only, and those that are right. */
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { requestDevice } from '../../src/gpu/request_device';
import { createEngine, recipeAt, recipes } from '../../src/index';
import { nodeGpu } from '../../src/node/dawn';
import { digits, type Network, tutorial } from '../lib/checked_networks';
import { makeHostile, someGpu } from '../lib/hostile/hostile_device';
import { fourSteps, onWrong, type WrongWhere, wrongText } from '../lib/hostile/wrong';
import { all, type Row } from './row';

const BATCH = 64;
/** Beyond the small cases in channels, images and width; of 28 pixels, as each workgroup of `one_channel_gpu` has as many then. */
const larger = ({ config, trainer }: Network, kernelSize: number): Network => ({
  config: { ...config, height: 28, width: 28, kernelSize, widths: [24, 24] },
  trainer: { ...trainer, batchSize: BATCH },
  methods: [],
});
const networks = {
  tutorial: larger(tutorial, 5),
  digits: larger(digits, 5),
  'digits, 3x3 kernels': larger(digits, 3),
};
const places: readonly WrongWhere[] = [{ width: 14 }, { batch: BATCH }, { channel: 16 }, { lastOf: 24 }];
/** Shaders of forms that are not the plain one. */
const hasPlain = (shader: string) => /^conv2d\w*\.|\.gpu$/.test(shader);

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
  const forms = [...texts].filter(([shader]) => hasPlain(shader));
  const faults = forms.flatMap(([shader, text]) =>
    places.filter((where) => wrongText(text, where)).map((where) => ({ shader, where })),
  );
  let planted = 0;
  const missed: string[] = [];
  for (const { shader, where } of faults) {
    const outcome = await onWrong(device, network, exactly(shader), where, fourSteps, options);
    const { result, error, warnings } = outcome;
    // Where a shader has fewer workgroups or channels, or another width, nothing is wrong.
    if (String(result?.losses) === String(healthy.result!.losses)) continue;
    // Found in a small case already, and replaced, or without another form.
    if (!error && warnings.length > 0) continue;
    if (error && !error.message.includes('at its real size')) continue;
    if (error) planted++;
    else missed.push(`${shader} ${JSON.stringify(where)}`);
  }
  device.destroy();
  return { planted, missed };
}

const wrong: readonly Row[] = Object.entries(networks).map(([name, network]) => ({
  name: `wrong at size, ${name}`,
  async run() {
    const runs = [await plantAll(network), await plantAll(network, someGpu)];
    const missed = runs.flatMap(({ missed }) => missed);
    if (missed.length > 0) throw new Error(`not noticed: ${missed.join(', ')}`);
    const planted = runs.reduce((sum, run) => sum + run.planted, 0);
    return all(planted, planted);
  },
}));

/** The steps after which weights are compared. */
const STEPS = [0, 1, 3, 10, 30, 100, 200, 400, 700, 1000];
const BATCHES = [4, 12, 32, 64, 100, 160, 256];

/**
 * Compares a recipe's kernels at all batches while a network learns digits, in a software adapter's forms or a GPU's. Gives how often, and the
 * errors and warnings.
 */
async function compareAll(
  name: keyof typeof recipes,
  kernelSize: number,
  adapterInfo: Partial<GPUAdapterInfo>,
): Promise<{ compared: number; alarms: string[] }> {
  const alarms: string[] = [];
  const onWarning = ({ message }: { message: string }) => alarms.push(message);
  const gpu = await nodeGpu();
  const { device } = await requestDevice(gpu);
  using _ = makeHostile(device, { adapterInfo });
  using checked = await createEngine({ device, tune: false, selfCheck: false, onWarning });
  using engine = await createEngine({ gpu, tune: false, selfCheck: false, onWarning });
  const digits = { ...(await loadDigits()), labels: await loadDigitLabels() };
  const network = { ...recipes[name].network, kernelSize };
  const learns = await engine.createUNet(network, { seed: 1 });
  const compares = await checked.createUNet(network);
  const known = await engine.createDataset(digits);
  const same = await checked.createDataset(digits);
  using trainer = await engine.createTrainer(learns, recipeAt(name, 64).trainer);
  let step = 0;
  let compared = 0;
  for (const until of STEPS) {
    if (until > step)
      for await (const _ of trainer.fit(known, { epochs: 1000, maxSteps: until - step })) step++;
    for (const batch of BATCHES) {
      let adds = 0;
      const ledger = { hasPassed: async () => false, passWith: async () => void adds++ };
      Object.assign(checked.gpu.trust!, { checks: true, admit: async () => {}, ledger: async () => ledger });
      await compares.setParameters(await learns.getParameters());
      using other = await checked.createTrainer(compares, recipeAt(name, batch).trainer);
      try {
        for await (const _ of other.fit(same, { epochs: 1, maxSteps: 2 }));
      } catch (error) {
        alarms.push(`${batch} images after ${until} steps: ${error}`);
      }
      if (adds === 1) compared++;
    }
    console.error(
      `${name}, ${kernelSize}x${kernelSize}: ${compared} comparisons, ${alarms.length} alarms after ${until} steps`,
    );
  }
  device.destroy();
  return { compared, alarms };
}

const software = { architecture: 'llvmpipe' };
const right: readonly Row[] = (
  [
    ['tutorial', 5],
    ['digits', 5],
    ['digits', 3],
  ] as const
).flatMap(([name, kernelSize]) =>
  Object.entries({ software, 'a GPU': someGpu }).map(([forms, info]) => ({
    name: `no false alarm at size, ${name}, ${kernelSize}x${kernelSize} kernels, forms of ${forms}`,
    async run() {
      const { compared, alarms } = await compareAll(name, kernelSize, info);
      if (alarms.length > 0) throw new Error(alarms.join('\n'));
      return all(compared, STEPS.length * BATCHES.length, ' comparisons');
    },
  })),
);

export const atSize = [...wrong, ...right];
