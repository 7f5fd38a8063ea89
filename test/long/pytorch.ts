/** examples/pytorch as docs/weights.md uses it: its module takes our weights, draws, trains on, and gives them back. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flowBatch, PICTURES, presetWeights } from '../../harness/run/golden_workload';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { loadPretrained } from '../../src/pretrained/index';
import { checkConfig, listParameters, presets, type UNetConfig } from '../../src/unet/config';
import { loadModel, type Model } from '../../src/weights/model';
import { saveModel } from '../../src/weights/save_model';
import { ReferenceUNet } from '../lib/reference_unet';
import { digitsSeen } from '../lib/seen';
import { codeOf } from '../repository/docs_code';
import { type Row, temporary } from './row';

/** Debian's has PyTorch from a package of the system's. */
const findPython = () =>
  ['/usr/bin/python3', 'python3'].find((command) => spawnSync(command, ['-c', 'import torch']).status === 0);

const EXAMPLE = fileURLToPath(new URL('../../examples/pytorch', import.meta.url));
const COUNT = 2;
const PIXELS = 28 * 28;

/** Loads `net.safetensors` by the page's code, and says what the network makes of the images that stand in files. */
const predict = ({ height, width, channels }: UNetConfig) => `
import numpy as np
torch.set_num_threads(1)
torch.manual_seed(7)
def read(name, kind): return torch.from_numpy(np.fromfile(name, kind))
def predict(name):
    conditions = (read('levels', 'f4'), read('labels', 'u4').long()) if net.conditioning else ()
    with torch.no_grad():
        images = read('images', 'f4').reshape(-1, ${height}, ${width}, ${channels}).permute(0, 3, 1, 2)
        net(images, *conditions).permute(0, 2, 3, 1).contiguous().numpy().tofile(name)
predict('before')
`;
/** Draws digits, trains on a few images, and says what the network makes of the images now. */
const goOn = `
sample(net, torch.arange(10)).numpy().tofile('drawn')
first = train(net, read('digits', 'f4').reshape(-1, 1, 28, 28), read('digit_labels', 'u1').long(), steps=3, batch=16)
assert 0 < first < 1, first
predict('after')
`;

async function modelOf(name: keyof typeof presets): Promise<Model> {
  if (name !== 'pictures') return await loadPretrained(name);
  return { config: checkConfig(presets[name]), objective: 'flow', parameters: presetWeights[name]() };
}

const batchOf = ({ channels }: UNetConfig) => flowBatch(0, COUNT, channels === 3 ? PICTURES : undefined);

async function writeInputs(folder: string, config: UNetConfig): Promise<void> {
  const { noisy, levels, labels } = batchOf(config);
  const { images } = await loadDigits();
  const some = Float32Array.from(images.subarray(0, 64 * PIXELS), (v) => v / 127.5 - 1);
  const digitLabels = (await loadDigitLabels()).subarray(0, 64);
  const files = { images: noisy, levels, labels, digits: some, digit_labels: digitLabels };
  for (const [name, values] of Object.entries(files)) writeFileSync(join(folder, name), values);
}

/** The largest difference between PyTorch's values and the reference's, as a share of the largest value. */
function distance({ config, parameters }: Model, given: Float32Array): number {
  const { noisy, levels, labels } = batchOf(config);
  const net = new ReferenceUNet(config, parameters);
  const { classes = 0 } = config.conditioning ?? {};
  const told = config.conditioning ? { levels, ...(classes > 0 ? { labels } : {}) } : {};
  const expected = net.predict(noisy, COUNT, told);
  if (given.length !== expected.length) throw new Error(`${given.length} values, not ${expected.length}`);
  const [worst, scale] = expected.reduce(
    ([worst, scale], v, i) => [Math.max(worst, Math.abs(v - given[i])), Math.max(scale, Math.abs(v))],
    [0, 0],
  );
  return worst / scale;
}

export const pytorch = (Object.keys(presets) as (keyof typeof presets)[]).map(
  (name): Row => ({
    name: `PyTorch and back: ${name}`,
    async run() {
      const python = findPython();
      if (!python) return 'not run: no Python with PyTorch';
      using own = temporary();
      const { folder } = own;
      const numbers = (file: string) =>
        new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer);
      const model = await modelOf(name);
      const { parameters } = listParameters(model.config);
      const unet = { config: model.config, parameters, getParameters: async () => model.parameters };
      const file = await saveModel(unet, { layout: 'pytorch', objective: model.objective });
      writeFileSync(join(folder, 'net.safetensors'), file);
      await writeInputs(folder, model.config);
      const [load, save] = codeOf('weights.md', 'python');
      // Only the recipe digits is sampled and trained so.
      const isDigits = name === 'digits';
      const loading = isDigits ? load : load.replace(/^digits = .*$/m, '');
      const program = [loading, predict(model.config), ...(isDigits ? [goOn] : []), save];
      execFileSync(python, ['-c', program.join('\n')], {
        cwd: folder,
        env: { ...process.env, PYTHONPATH: EXAMPLE },
        stdio: ['ignore', 'ignore', 'inherit'],
      });

      const back = loadModel(readFileSync(join(folder, 'back.safetensors')), 'back.safetensors');
      const distances = [distance(model, numbers('before'))];
      if (isDigits) distances.push(distance(back, numbers('after')));
      else if (!parameters.every(({ name }) => same(model.parameters.get(name)!, back.parameters.get(name)!)))
        throw new Error('The weights that came back are others.');
      if (!(Math.max(...distances) < 1e-5)) throw new Error(`The outputs differ by ${distances}.`);
      const figure = `differs by ${Math.max(...distances).toExponential(1)} of the largest output`;
      if (!isDigits) return figure;
      const seen = await digitsSeen(numbers('drawn'));
      const right = seen.filter((digit, i) => digit === i).length;
      if (right < 7) throw new Error(`Of ten digits that PyTorch drew ${right} are right.`);
      return `${figure}; ${right} of ${seen.length} drawn digits are right`;
    },
  }),
);

const same = (a: Float32Array, b: Float32Array) => Buffer.compare(bytes(a), bytes(b)) === 0;
const bytes = (a: Float32Array) => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);
