/** The command line as a person runs it: exit codes and messages. The GPU is not reached. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { shaders } from 'virtual:shaders';
import { afterAll, expect, test, vi } from 'vitest';
import { quoted } from '../../harness/cli/args';
import { main } from '../../harness/cli/main';
import { summaries } from '../../harness/cli/summaries';
import { strip } from '../../shaders/reflect';
import { exportOnnx } from '../../src/onnx/index';
import { loadPretrained } from '../../src/pretrained/index';
import { parametersOf } from '../../src/unet/config';
import { encodeSafetensors } from '../../src/weights/encode';
import { loadModel } from '../../src/weights/model';
import { decodeSafetensors } from '../../src/weights/safetensors';
import { saveModel } from '../../src/weights/save_model';
import { takesLong } from '../lib/lanes/limits';
import { runNode, temporaryFolder } from '../lib/system';

const folder = temporaryFolder(afterAll);

/** In this process, which is faster than in one of its own. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  vi.spyOn(console, 'log').mockImplementation((text) => {
    said.out += `${text}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((text) => {
    said.err += `${text}\n`;
  });
  try {
    return { code: await main(args), ...said };
  } finally {
    vi.restoreAllMocks();
  }
}

/** Expects this exit code and one line on stderr, no stack, that holds every one of `facts`. */
async function fails(words: string | readonly string[], code: number, ...facts: string[]): Promise<void> {
  const result = await run(...(typeof words === 'string' ? words.split(' ') : words));
  expect(result.err.trim().split('\n'), result.err).toHaveLength(1);
  for (const fact of facts) expect(result.err).toContain(fact);
  expect(result.code).toBe(code);
}

test('--help lists the commands or the flags of one command, and --version prints the version', async () => {
  const overview = await run('--help');
  const command = await run('train', '--help');
  const nothing = await run();
  for (const name of ['train', 'sample', 'distil', 'convert', 'bench', 'check', 'explain', 'adapters'])
    expect(overview.out).toContain(`\n  ${name}`);
  expect(overview.code).toBe(0);
  expect(command.out).toContain('--resume FILE');
  expect(command.code).toBe(0);
  expect(nothing.out).toBe(overview.out);
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
  expect(nothing.code).toBe(2);
});

test('a usage error ends a command with exit code 2', async () => {
  await fails('trian', 2, '"trian"', 'train, sample, distil, evaluate, convert');
  await fails(`train --out ${folder} --epoch 3`, 2, '--epoch', '--epochs');
  await fails('train', 2, '--out DIR');
  await fails(`train --out ${folder} --widths 8,8,8,8`, 2, '--widths 8,8,8,8', 'multiple of 8');
  await fails(`train --out ${folder} --limit 10001`, 2, '10001', '1 to 10000');
  await fails('sample --model x --out y.jpg', 2, 'y.jpg', '.png');
  await fails(`distil --out ${folder}`, 2, '--calls 1 or --calls 2');
  await fails(`distil --out ${folder} --calls 4`, 2, '"4"', '1, 2');
  await fails('distil --calls 2', 2, '--out DIR');
  await fails(
    `distil --calls 2 --out ${folder}/new --model tutorial`,
    2,
    'follows a flow',
    '--recipe digits',
  );
  await fails('convert --model digits', 2, '--onnx FILE.onnx', '--pytorch FILE.safetensors');
  await fails('convert --onnx net.safetensors', 2, 'net.safetensors', '.onnx');
  await fails('convert --pytorch net.pt', 2, 'net.pt', '.safetensors');
  await fails('bench --points 1,2', 2, '--points', '--sweep batch or --sweep size');
  await fails('bench --sweep both --points 1,2', 2, '--points', '--sweep batch');
  await fails('bench --sweep depth', 2, '"depth"', 'none, batch, size, both');
  await fails('bench --widths 8,8,8,8', 2, '--widths 8,8,8,8', 'multiple of 8');
  await fails('bench --compare a.json', 2, '--compare takes two files', 'A.json,B.json');
  await fails('bench --compare a.json,b.json --batch 4', 2, '--batch', 'runs nothing');
  for (const command of [`train --out ${folder}`, 'sample --model x --out y.png', 'bench', 'check'])
    await fails(`${command} --tune --no-tune`, 2, '--tune and --no-tune');
  const fixed = `train --out ${folder}/new --variants`;
  for (const command of [fixed, 'bench --variants', 'check --variants'])
    await fails(`${command} conv2d/down.9=direct`, 2, 'no conv2d/down.9', 'conv2d/down.0, conv2d/down.1');
  await fails(`${fixed} conv2d/down.1=fast`, 2, 'no variant fast', 'direct, ');
  await fails(
    'explain --variants conv2d/down.0=one_output',
    2,
    'conv2d/down.0 cannot be one',
    'one output channel',
  );
});

test.each([
  ['run', 'checkpoint.safetensors'],
  ['model', 'model.safetensors'],
])('train replaces no %s without --overwrite', async (what, name) => {
  const place = temporaryFolder();
  const file = join(place, name);
  await writeFile(file, 'precious');
  const train = `train --out ${place} --data ${place}/none`;
  const goOn = what === 'run' ? [`--resume ${file}`] : [];
  await fails(train, 2, `a ${what} in ${place} already`, ...goOn, '--out', '--overwrite');
  // It comes to the next mistake.
  await fails(`${train} --overwrite`, 1, 'no such file');
  expect(await readFile(file, 'utf8')).toBe('precious');
});

test('train quotes the path of a run that is in the way, where a shell needs that', async () => {
  const place = join(temporaryFolder(), 'my runs');
  await mkdir(place);
  const checkpoint = join(place, 'checkpoint.safetensors');
  await writeFile(checkpoint, '');
  await fails(['train', '--out', place], 2, `a run in ${place} already`, `--resume ${quoted(checkpoint)}, `);
  expect(quoted(checkpoint)).not.toBe(checkpoint);
});

test('no command writes over a file that it reads, or writes two results into one file', async () => {
  const place = temporaryFolder();
  const model = join(place, 'model.safetensors');
  await writeFile(model, 'precious');
  const same = async (command: string, a: string, b: string) =>
    fails(
      `${command} --${a} ${model} --${b} ${place}/./model.safetensors`,
      2,
      `--${a} and --${b}`,
      'the same file',
    );
  await same('convert', 'model', 'pytorch');
  await same('evaluate', 'model', 'json');
  await same('check', 'variants', 'json');
  await same('bench', 'variants', 'csv');
  await same('bench', 'json', 'csv');
  await fails(`distil --calls 1 --model ${model} --out ${place} --overwrite`, 2, '--model and --out', model);
  expect(await readFile(model, 'utf8')).toBe('precious');
});

test('distil replaces no run, and no model without --overwrite', async () => {
  const place = temporaryFolder();
  const model = join(place, 'model.safetensors');
  await writeFile(model, 'precious');
  const distil = `distil --calls 1 --out ${place} --model ${place}/none`;
  await fails(distil, 2, `a model in ${place} already`, '--out', '--overwrite');
  await fails(`${distil} --overwrite`, 1, 'no such file');
  await writeFile(join(place, 'checkpoint.safetensors'), '');
  await fails(`${distil} --overwrite`, 2, `a run in ${place}`, '--out');
  expect(await readFile(model, 'utf8')).toBe('precious');
});

test('convert keeps the sampling and the teacher of a distilled network', async () => {
  const out = temporaryFolder();
  const [distilled, pytorch] = ['model', 'pytorch'].map((name) => join(out, `${name}.safetensors`));
  const { config, parameters } = await loadPretrained('digits');
  const sampling = { method: 'euler', steps: 1, guidance: 1, calls: 1 } as const;
  const list = parametersOf(config).parameters;
  const unet = { config, parameters: list, getParameters: async () => parameters };
  const teacher = '0123abcd';
  await writeFile(distilled, await saveModel({ ...unet, sampling, teacher }, { objective: 'flow' }));
  expect((await run('convert', '--model', distilled, '--pytorch', pytorch)).code).toBe(0);
  expect(loadModel(await readFile(pytorch))).toMatchObject({ sampling, teacher, objective: 'flow' });
  await fails(`distil --calls 1 --out ${out}/new --model ${distilled}`, 2, 'itself distilled, to 1 call');
});

test('bench --compare prints two results side by side, and refuses other files', async () => {
  const place = temporaryFolder();
  const [a, b] = ['docs/results/bench-node-lavapipe-64.json', join(place, 'b.json')];
  const { step, ...others } = JSON.parse(await readFile(a, 'utf8'));
  const { median, p10, p90, n } = step.ms;
  const ms = { median: median / 2, p10: p10 / 2, p90: p90 / 2, n };
  await writeFile(b, JSON.stringify({ ...others, step: { ...step, ms } }));
  const { code, out } = await run('bench', '--compare', `${a},${b}`);
  expect(code).toBe(0);
  expect(out).toContain('0.50x ▼ faster');
  await writeFile(b, JSON.stringify({ peers: [] }));
  await fails(`bench --compare ${a},${b}`, 1, b, 'not a result of this bench', 'no field schema');
  await fails(`bench --compare ${a},${b}.gone`, 1, 'no such file');
});

test('a file that cannot be read or written ends a command with exit code 1', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'not a model');
  const noModel = join(folder, 'other.safetensors');
  await writeFile(noModel, encodeSafetensors([{ name: 'a', shape: [1], data: new Float32Array(1) }]));
  await fails(`train --out ${file}/x`, 1, `${file}/x cannot be written`, 'not a folder');
  await fails(`train --out ${folder} --data ${folder}/none`, 1, 'no such file or folder');
  await fails(
    `train --out ${folder} --data ${folder}`,
    1,
    'holds no images',
    'folders named after their classes',
  );
  await fails(`train --out ${folder} --data ${file}`, 1, 'file is neither a picture nor data to');
  await fails(`sample --model ${file} --out ${folder}/x.png`, 1, file, 'not a safetensors file');
  await fails(`sample --model ${noModel} --out ${folder}/x.png`, 1, 'not saved by webgpu-diffusion');
  await fails(`convert --onnx ${folder}/x.onnx --model digts`, 1, 'digts', 'tutorial, digits');
  await fails(`train --resume ${folder}/gone`, 1, 'gone', 'no such file');
  for (const flag of ['--json', '--csv', '--markdown', '--svg'])
    await fails(`bench --kernel noop ${flag} ${folder}`, 1, folder, 'a folder', flag);
  await fails(`evaluate --json ${folder}`, 1, folder, 'a folder', '--json');
  // Nothing was left behind.
  expect((await readdir(folder)).sort()).toEqual(['file', 'other.safetensors']);
});

test('convert writes the same ONNX and PyTorch files as the library', async () => {
  const out = temporaryFolder();
  const [onnx, pytorch] = [join(out, 'net.onnx'), join(out, 'net.safetensors')];
  const { code, out: said, err } = await run('convert', '--onnx', onnx, '--pytorch', pytorch);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(said).toContain(
    `Wrote ${onnx}: 28x28x1, widths 32 64 64, kernels 5x5, conditioned on noise level and 10 classes.`,
  );
  const model = await loadPretrained('digits');
  expect(Buffer.compare(await readFile(onnx), exportOnnx(model))).toBe(0);
  expect(loadModel(await readFile(pytorch))).toEqual(model);
  expect(decodeSafetensors(await readFile(pytorch)).tensors.has('down.0.weight')).toBe(true);
});

test.each(Object.keys(summaries))('%s --help names the command, and fits 120 columns', async (command) => {
  const { out, code } = await run(command, '--help');
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^webgpu-diffusion ${command}\\b`));
  expect(out.split('\n').filter((line) => line.length > 120)).toEqual([]);
});

test('explain needs no GPU', async () => {
  const { out, err, code } = await run('explain');
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out).toContain('Total params: 309,057');
  expect(out).toContain('conv2d_grad_kernel');
  expect(out).toMatch(/\d+ dispatches, 4[78]\.\d GFLOP/);
  expect(out).toContain('Kernel variants, the usual ones');
  expect(out).toContain('conv2d.winograd_subgroups_product');
  for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(120);

  const fixed = await run('explain', '--variants', 'conv2d/down.1=winograd4,conv2d/up.2=one_output');
  expect(fixed.code).toBe(0);
  expect(fixed.out).toContain('Kernel variants, as given\n\nconv2d: winograd4 (down.1), one_output (up.2)\n');
  expect(fixed.out).toContain('conv2d.winograd4 ');
  expect(fixed.out).not.toContain('winograd_subgroups');
});

test('explain --shader prints what a GPU gets, with comments', async () => {
  const { code, out } = await run('explain', '--shader', 'conv2d.one_input_subgroups');
  expect(code).toBe(0);
  expect(out).toMatch(/^enable subgroups;\n\/\/ /);
  expect(out).not.toContain('#');
  expect(strip(out)).toBe(await shaders['conv2d.one_input_subgroups'].code());
  const wrong = await run('explain', '--shader', 'conv2d.nothing');
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain('--shader is conv2d.nothing; there is no such shader');
});

test('explain --shader takes every name of a dispatch that explain prints', async () => {
  const { out } = await run('explain', '--recipe', 'digits', '--gpu');
  const list = out.slice(out.indexOf('kernel, its shaders'), out.indexOf(' dispatches, '));
  // A dispatch has workgroups; the line of a kernel with several shaders has none.
  const names = new Set([...list.matchAll(/^ *([\w.]+) .*? \d+x\d+x\d+ /gm)].map(([, name]) => name));
  expect(names).toContain('conv2d_grad_kernel.direct');
  expect(names).toContain('adam.plain');
  expect(names).toContain('conv2d.winograd_gpu_product');
  for (const name of names) expect(await run('explain', '--shader', name), name).toMatchObject({ code: 0 });
});

test(
  'run.mjs passes on the exit code and the whole output of the command',
  takesLong('runsProcesses'),
  async () => {
    const child = (...args: string[]) => runNode('.', 'harness/run.mjs', ...args);
    // One after the other: the second takes the bundle that the first has made.
    const good = await child('explain');
    const bad = await child('train', '--epoch');
    expect(good).toMatchObject({ code: 0, err: '' });
    expect(good.out.trimEnd()).toMatch(/MB\.$/);
    expect(bad).toMatchObject({ code: 2, out: '' });
    expect(bad.err).toMatch(/^train has no flag --epoch; .*\n$/);
  },
);

test.each([
  ['gpu-code', 'tools/main.mjs', 'harness/tools/gpu/gpu_code/gpu_code.ts', 'nope'],
  ['gpu-code', 'tools/main.mjs', 'harness/tools/gpu/gpu_code/gpu_code.ts', '--json', folder],
  ['bench:peers', 'tools/peers/run.mjs', '--json', folder],
  ['pack:gpu', 'tools/gpu/pack/pack.mjs', '--help'],
  ['pack:gpu', 'tools/gpu/pack/pack.mjs', 'a.json'],
])(
  'npm run %s answers in one line what it cannot do, before it works',
  takesLong('runsProcesses'),
  async (_, file, ...args) => {
    const { code, ...said } = await runNode(folder, resolve('harness', file), ...args);
    expect(code).not.toBe(0);
    const err = expect.stringMatching(/^[^\n]{20,200}\.\n$/);
    expect(said).toEqual({ out: '', err });
  },
);
