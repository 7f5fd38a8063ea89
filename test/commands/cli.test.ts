/** The command line as a person types it: exit codes and messages. The GPU is not reached. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { shaders } from 'virtual:shaders';
import { afterAll, expect, test } from 'vitest';
import { strip } from '../../shaders/reflect';
import { exportOnnx } from '../../src/onnx/index';
import { loadPretrained } from '../../src/pretrained/index';
import { listParameters } from '../../src/unet/config';
import { encodeSafetensors } from '../../src/weights/encode';
import { loadModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { saveModel } from '../../src/weights/save_model';
import { typed } from '../lib/command';
import { takesLong } from '../lib/lanes/limits';
import { runNode, temporaryFolder } from '../lib/system';

/** A shell would take its name apart. */
const folder = join(temporaryFolder(afterAll), 'my runs');
const lies: Readonly<Record<string, string | Uint8Array>> = {
  'a/file': 'not a model',
  'a/other.safetensors': encodeSafetensors([{ name: 'a', shape: [1], data: new Float32Array(1) }]),
  'run/checkpoint.safetensors': 'precious',
  'model/model.safetensors': 'precious',
};
for (const [name, content] of Object.entries(lies)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}
/** A line as words; @ is the folder. */
const words = (line: string) => line.split(' ').map((word) => word.replaceAll('@', folder));

const fixed = 'train --out @/new --variants';
const same = (command: string, a: string, b: string) =>
  [
    2,
    `${command} --${a} @/model/model.safetensors --${b} @/model/./model.safetensors`,
    `--${a} and --${b}`,
    'the same file',
  ] as const;

test.each<readonly [code: 1 | 2, line: string, ...facts: string[]]>([
  // What is typed wrong.
  [2, 'trian', '"trian"', 'train, sample, distil, evaluate, convert'],
  [2, 'train --out @ --epoch 3', '--epoch', '--epochs'],
  [2, 'train', '--out DIR'],
  [2, 'distil --calls 2 --out @/new --model tutorial', 'follows a flow', '--recipe digits'],
  [2, 'bench --size 28,30', 'height is 30'],
  [2, 'bench --compare a.json,b.json --batch 4', '--batch', 'runs nothing'],
  [2, 'sample --model x --out y.png --tune --no-tune', '--tune and --no-tune'],
  [2, `${fixed} conv2d/down.9=direct`, 'no conv2d/down.9', 'conv2d/down.0, conv2d/down.1'],
  // What would be written over; with --overwrite it comes to the next mistake.
  [2, 'train --out @/run', 'a run in @/run already', "--resume '@/run/checkpoint.safetensors', ", '--out'],
  [2, 'train --out @/model', 'a model in @/model already', '--out', '--overwrite'],
  [1, 'train --out @/run --data @/none --overwrite', 'no such file'],
  [1, 'train --out @/model --data @/none --overwrite', 'no such file'],
  [2, 'distil --calls 1 --out @/model --model @/none', 'a model in @/model already', '--overwrite'],
  [1, 'distil --calls 1 --out @/model --model @/none --overwrite', 'no such file'],
  [2, 'distil --calls 1 --out @/run --model @/none --overwrite', 'a run in @/run', '--out'],
  [
    2,
    'distil --calls 1 --model @/model/model.safetensors --out @/model --overwrite',
    '--model and --out',
    '@/model/model.safetensors',
  ],
  same('convert', 'model', 'pytorch'),
  // What cannot be read or written.
  [1, 'train --out @/a/file/x', '@/a/file/x cannot be written', 'not a folder'],
  [1, 'train --out @/a --data @/none', 'no such file or folder'],
  [1, 'sample --model @/a/file --out @/x.png', '@/a/file', 'not a safetensors file'],
  [1, 'sample --model @/a/other.safetensors --out @/x.png', 'not saved by webgpu-diffusion'],
  [1, 'bench --kernel noop --markdown @', '@', 'a folder', '--markdown'],
])('ends with %i: %s', async (code, line, ...rest) => {
  const facts = rest as string[];
  const said = await typed(...words(line as string));
  expect(said).toMatchObject({ code, out: '' });
  // No stack.
  expect(said.err.trim().split('\n'), said.err).toHaveLength(1);
  for (const fact of facts) expect(said.err).toContain(fact.replaceAll('@', folder));
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  expect(left).toEqual([...new Set(Object.keys(lies).flatMap((name) => [dirname(name), name]))].sort());
  for (const [name, content] of Object.entries(lies))
    expect(readFileSync(join(folder, name))).toEqual(Buffer.from(content));
});

test('--help lists the commands, and --version prints the version', async () => {
  const overview = await typed('--help');
  for (const name of ['train', 'sample', 'distil', 'convert', 'bench', 'check', 'explain', 'adapters'])
    expect(overview.out).toContain(`\n  ${name}`);
  expect(await typed()).toEqual({ ...overview, code: 2 });
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(await typed('--version')).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
});

test('convert keeps the sampling and the teacher of a distilled network', async () => {
  const out = temporaryFolder();
  const [distilled, pytorch] = ['model', 'pytorch'].map((name) => join(out, `${name}.safetensors`));
  const { config, parameters } = await loadPretrained('digits');
  const sampling = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  const list = listParameters(config).parameters;
  const unet = { config, parameters: list, getParameters: async () => parameters };
  const teacher = '0123abcd';
  writeFileSync(distilled, await saveModel({ ...unet, sampling, teacher }, { objective: 'flow' }));
  expect(await typed('convert', '--model', distilled, '--pytorch', pytorch)).toMatchObject({ code: 0 });
  expect(loadModel(readFileSync(pytorch))).toMatchObject({ sampling, teacher, objective: 'flow' });
  const again = await typed('distil', '--calls', '1', '--out', `${out}/new`, '--model', distilled);
  expect(again).toMatchObject({ code: 2, err: expect.stringContaining('itself distilled, to 1 call') });
});

test('convert writes the same ONNX and PyTorch files as the library', async () => {
  const out = temporaryFolder();
  const onnx = join(out, 'net.onnx');
  const pytorch = join(out, 'net.safetensors');
  const shape = '28x28x1, widths 32 64 64, kernels 5x5, conditioned on noise level and 10 classes';
  const said = expect.stringContaining(`Wrote ${onnx}: ${shape}.`);
  const { code, out: text, err } = await typed('convert', '--onnx', onnx, '--pytorch', pytorch);
  expect({ code, text, err }).toEqual({ code: 0, text: said, err: '' });
  const model = await loadPretrained('digits');
  expect(Buffer.compare(readFileSync(onnx), exportOnnx(model))).toBe(0);
  expect(loadModel(readFileSync(pytorch))).toEqual(model);
  expect(decodeSafetensors(readFileSync(pytorch)).tensors.has('down.0.weight')).toBe(true);
});

test('explain --shader takes every name of a dispatch, and prints what a GPU gets, with comments', async () => {
  const { out } = await typed('explain', '--shader', 'conv2d.one_input_subgroups');
  expect(out).toMatch(/^enable subgroups;\n\/\/ /);
  expect(out).not.toContain('#');
  expect(strip(out)).toBe(await shaders['conv2d.one_input_subgroups'].code());

  const { code } = await typed('explain', '--shader', 'conv2d.winograd_gpu_product');
  expect(code).toBe(0);
});

test(
  'run.mjs passes on the exit code and the whole output of the command',
  takesLong('runsProcesses'),
  async () => {
    const child = (...args: string[]) => runNode('.', 'harness/run.mjs', ...args);
    // One after the other: the second takes the bundle that the first has made.
    expect(await child('explain')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/MB\.\s*$/),
    });
    const err = expect.stringMatching(/^train has no flag --epoch; .*\n$/);
    expect(await child('train', '--epoch')).toEqual({ code: 2, out: '', err });
  },
);
