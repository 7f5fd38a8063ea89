/** The package's declarations as a strict program meets them, one that has libraries' declarations checked too. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as library from '../../src/index';

const root = new URL('../../', import.meta.url);

const source = `
import {
  createEngine, fingerprintImages, loadCheckpoint, loadIdx, requirements, saveCheckpoint, type TrainingEvent,
} from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { installWebGPU } from 'webgpu-diffusion/node';
import { exportOnnx } from 'webgpu-diffusion/onnx';

await installWebGPU();
const adapter = (await navigator.gpu.requestAdapter())!;
const requiredFeatures = requirements.optionalFeatures.filter((feature) => adapter.features.has(feature));
const device: GPUDevice = await adapter.requestDevice({ requiredFeatures });
using engine = await createEngine({ device });
const unet = await engine.createUNet({ widths: [32, 64, 64] }, { seed: 123 });
const images = await loadDigits();
const trainer = await engine.createTrainer(unet, { batchSize: 256 });
const losses: number[] = [];
for await (const event of trainer.fit(await engine.createDataset(images), { epochs: 5 })) {
  const { loss }: TrainingEvent = event;
  losses.push(loss);
}
const settings = { seed: 123, batchSize: 256, learningRate: 1e-3, epochs: 5 };
export const file: Uint8Array = await saveCheckpoint({ trainer, settings, data: fingerprintImages(images), losses });

// Results go where only memory that is not shared may go; what is given may be shared, and come from anywhere.
const sampler = await engine.createSampler(unet, { count: 1 });
const state = await trainer.getState();
const results = [
  await sampler.sample({ steps: 5 }),
  await unet.predict(new Float32Array(new SharedArrayBuffer(28 * 28 * 4)), 1),
  await trainer.readLosses(),
  state.corrections,
  ...[await unet.getParameters(), await trainer.getGradients(), state.moment1, state.moment2].flatMap((m) => [...m.values()]),
];
for await (const { input, prediction, x } of sampler.run({ steps: 5 })) results.push(input, prediction, x);
declare const buffer: GPUBuffer;
for (const result of results) device.queue.writeBuffer(buffer, 0, result);
const { images: own } = await loadIdx([new URL('https://images.example'), new Blob(), new Uint8Array(4)]);
export const blob: Blob = new Blob([...results, images.images, own]);
const shared = await loadIdx(new Uint8Array(new SharedArrayBuffer(4)));
// @ts-expect-error: They are the bytes that were given.
new Blob([shared.images]);
await engine.createDataset(shared);
trainer.setState(loadCheckpoint(file).state);

export const onnx: Blob = new Blob([exportOnnx(loadCheckpoint(file))]);
exportOnnx({ config: unet.config, parameters: await unet.getParameters(), objective: trainer.settings.objective });

// @ts-expect-error: Were the types lost, everything would be allowed.
await engine.createUNet({ wids: [32] });
`;

let folder: string;
let program: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-types-'));
  program = join(folder, 'program.mts');
  await writeFile(program, source);
  const installed = join(folder, 'node_modules/webgpu-diffusion');
  await mkdir(join(installed, 'dist/lib'), { recursive: true });
  await copyFile(new URL('package.json', root), join(installed, 'package.json'));
  const script = new URL('harness/tools/make_declarations.mjs', root).href;
  const { makeDeclarations } = (await import(/* @vite-ignore */ script)) as {
    makeDeclarations(entry: string): string;
  };
  for (const entry of ['index', 'digits', 'node', 'onnx'])
    await writeFile(join(installed, `dist/lib/${entry}.d.ts`), makeDeclarations(entry));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['Node', { module: ts.ModuleKind.NodeNext }],
  ['a bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
])('a program that resolves modules as %s does', (_, resolution) => {
  const target = ts.ScriptTarget.ES2022;
  const common = { target, strict: true, noEmit: true, types: [], skipDefaultLibCheck: true };
  const compiled = ts.createProgram([program], { ...common, ...resolution });
  const errors = ts
    .getPreEmitDiagnostics(compiled)
    .map(
      ({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
  expect(errors).toEqual([]);

  const declarations = compiled.getSourceFiles().find(({ fileName }) => fileName.endsWith('lib/index.d.ts'))!;
  const checker = compiled.getTypeChecker();
  const values = checker
    .getExportsOfModule(checker.getSymbolAtLocation(declarations)!)
    .filter(({ flags }) => flags & ts.SymbolFlags.Value);
  expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(library).sort());
});
