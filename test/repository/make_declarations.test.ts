/**
 * The package's declarations as a strict program meets them, one that has libraries' declarations checked too.
 *
 * @module-tag nightly
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as library from '../../src/index';
import { temporaryFolder } from '../lib/system';

const root = new URL('../../', import.meta.url);

const source = `
import {
  type Conv2d, createEngine, loadModel, requirements, saveModel, type TrainingEvent,
} from 'webgpu-diffusion';
import { loadDigits } from 'webgpu-diffusion/digits';
import { fingerprintImages, loadIdx } from 'webgpu-diffusion/files';
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
export const file: Uint8Array = await trainer.checkpoint({ fit: { epochs: 5 }, images, losses });
export const { fnv1a } = fingerprintImages(images);

// Results go where only memory that is not shared may go; what is given may be shared, and come from anywhere.
const sampler = await engine.createSampler(unet, { count: 1 });
const state = await trainer.getState();
const results = [
  await sampler.sample({ steps: 5 }),
  await unet.predict(new Float32Array(new SharedArrayBuffer(28 * 28 * 4)), { count: 1 }),
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
trainer.setState(state);

export const onnx: Blob = new Blob([exportOnnx(loadModel(file))]);
exportOnnx({ config: unet.config, parameters: await unet.getParameters(), objective: trainer.config.objective });
// Where options are put together, what is missing is undefined: with exactOptionalPropertyTypes, too.
const maybe = undefined as undefined | AbortSignal;
const { fit } = await engine.resume(file, { images, signal: maybe });
const none = undefined;
await createEngine({ device, tune: none, variants: none, onProgress: none, tuningCache: none, selfCheck: none });
await engine.createUNet({ height: none, residual: none, conditioning: none, outChannels: none }, { seed: none });
await engine.createTrainer(unet, { variants: trainer.variants, clipNorm: none, beta1: none });
trainer.fit(await engine.createDataset(images), { ...fit, maxSteps: none });
await engine.createTrainer(unet, { schedule: { warmup: none, decay: none, steps: none, floor: none }, customLoss: none });
await engine.createSampler(unet, { count: none, variants: none });
await engine.createPredictor(unet, { count: none, variants: none });
trainer.fit(await engine.createDataset({ ...images, labels: none }), { epochs: 1, seed: none, signal: maybe, maxSteps: none });
await trainer.runFor(() => ({ noisy: buffer, target: { buffer, offset: 256 }, levels: none, count: none }), { milliseconds: 4, signal: maybe });
// @ts-expect-error: A batch has no such part.
await trainer.step({ noisy: buffer, target: buffer, clean: buffer });
// @ts-expect-error: A batch needs a target.
await trainer.step({ noisy: buffer });
export const convolution: Conv2d = await engine.createConv2d({ batch: 1, height: 4, width: 4, inChannels: 1, outChannels: 1, kernelSize: 3 });
await trainer.evaluate(images, { seed: none, binarize: none, signal: maybe });
await sampler.sample({ steps: 1, seed: none, noise: none, signal: maybe, labels: none, guidance: none, onStep: none });
await unet.predict(new Float32Array(28 * 28), { count: 1, levels: none, labels: none });
await loadDigits({ signal: maybe });
await saveModel(unet, { dtype: none, objective: none });
declare const encoder: GPUCommandEncoder;
trainer.encodeStep(encoder, { noisy: buffer, target: { buffer, offset: 4 }, levels: none }, { learningRate: none });
trainer.encodeUpdate(encoder, { learningRate: none, clipNorm: none, weightDecay: none, loss: { buffer, offset: 4 } });
await unet.setParameters(loadModel(file).parameters);

// @ts-expect-error: Were the types lost, everything would be allowed.
await engine.createUNet({ wids: [32] });
`;

const ENTRIES = [...['index', 'digits', 'files', 'node', 'onnx', 'pretrained', 'quality', 'three', 'worker']];

const folder = temporaryFolder(afterAll);
const program = join(folder, 'program.mts');

beforeAll(async () => {
  await writeFile(program, source);
  const installed = join(folder, 'node_modules/webgpu-diffusion');
  await mkdir(join(installed, 'dist/lib'), { recursive: true });
  await copyFile(new URL('package.json', root), join(installed, 'package.json'));
  const script = new URL('harness/tools/build/make_declarations.mjs', root).href;
  const { makeDeclarations } = (await import(/* @vite-ignore */ script)) as {
    makeDeclarations(): Map<string, string>;
  };
  const declarations = makeDeclarations();
  expect([...declarations.keys()]).toEqual(ENTRIES);
  for (const [entry, text] of declarations) await writeFile(join(installed, `dist/lib/${entry}.d.ts`), text);
});

test.each([
  ['Node', { module: ts.ModuleKind.NodeNext }],
  ['a bundler', { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }],
])(
  'a program that resolves modules as %s does compiles, and sees all names of the package',
  (_, resolution) => {
    const target = ts.ScriptTarget.ES2022;
    const common = {
      ...{ target, strict: true, exactOptionalPropertyTypes: true },
      ...{ noEmit: true, types: [], skipDefaultLibCheck: true },
    };
    const compiled = ts.createProgram([program], { ...common, ...resolution });
    const errors = ts
      .getPreEmitDiagnostics(compiled)
      .map(
        ({ messageText, file }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      );
    expect(errors).toEqual([]);

    const declarations = compiled
      .getSourceFiles()
      .find(({ fileName }) => fileName.endsWith('lib/index.d.ts'))!;
    const checker = compiled.getTypeChecker();
    const values = checker
      .getExportsOfModule(checker.getSymbolAtLocation(declarations)!)
      .filter(({ flags }) => flags & ts.SymbolFlags.Value);
    expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(library).sort());
  },
);

test.each(ENTRIES)('every name and every member of %s has a comment that an editor shows', async (entry) => {
  const path = join(folder, `node_modules/webgpu-diffusion/dist/lib/${entry}.d.ts`);
  const file = ts.createSourceFile(path, await readFile(path, 'utf8'), ts.ScriptTarget.ES2022, true);
  expect(uncommented(file)).toEqual([]);
});

test.each(ENTRIES)('the declarations of %s show no private or protected member', async (entry) => {
  const path = join(folder, `node_modules/webgpu-diffusion/dist/lib/${entry}.d.ts`);
  expect(await readFile(path, 'utf8')).not.toMatch(/^\t*(private|protected) /m);
});

test('a name without a comment is found', () => {
  const text =
    'export interface A {\n  readonly b: number;\n  /** c */ c(): void;\n}\n/** d */\nexport declare const d: 1;';
  const file = ts.createSourceFile('a.d.ts', text, ts.ScriptTarget.ES2022, true);
  expect(uncommented(file)).toEqual(['A', 'A.b']);
});

/** Declarations and members without a doc comment. */
function uncommented(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const exported = new Set(
    [
      ...file.text.matchAll(
        /^export (?:declare )?(?:abstract )?(?:const|class|function|interface|type) (\w+)|^export type \{([^}]*)\}/gm,
      ),
    ].flatMap(([, name, list]) => name ?? list.split(',').map((each) => each.trim())),
  );
  const look = (node: ts.Node & { name?: ts.Node }, path: string[]) => {
    const all = [...path, node.name?.getText() ?? ''];
    // Constructors are the library's own, and disposing is the language's.
    const isKnown = ts.isConstructorDeclaration(node) || all.at(-1) === '[Symbol.dispose]';
    // The setter of an accessor has its getter's comment.
    if (isKnown || ts.isSetAccessorDeclaration(node)) return;
    // Of what is mentioned, but no export, the members are seen.
    const isInner = path.length === 0 && !exported.has(all[0]);
    if (!isInner && ts.getJSDocCommentsAndTags(node).length === 0) found.push(all.join('.'));
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node))
      for (const member of node.members) look(member, all);
    if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type))
      for (const member of node.type.members) look(member, all);
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement))
      for (const each of statement.declarationList.declarations) look(each, []);
    else if (!ts.isExportDeclaration(statement)) look(statement as ts.DeclarationStatement, []);
  }
  return found;
}
