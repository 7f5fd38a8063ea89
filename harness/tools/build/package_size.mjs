/**
 * Measures the package's size in programs that embed it, a part of `npm run check`:
 *
 *   node harness/tools/build/package_size.mjs [folder of a build]
 *
 * builds the library, bundles small programs with it, prints how large they are (esbuild, minified and split; gzip -9; KB of 1,000 bytes),
 * and fails where one is over its limit. What is loaded later is not guessed: the bundle runs on a device on which nothing happens, and
 * its chunks say that they came.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { build } from 'vite';
import { fakeDevice, fakeGlobals } from './fake_gpu.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const from = (names, path = '') => `export { ${names} } from 'webgpu-diffusion${path}';`;
const KB = 1000;

/** Programs that need no engine. `limit` in KB. `split`: false where esbuild is to leave out what only other programs import later. */
const PROGRAMS = [
  { name: 'EngineError', code: from('EngineError'), limit: 1, split: false },
  { name: 'presets', code: from('presets'), limit: 12 },
  { name: 'loadModel', code: from('loadModel'), limit: 12 },
  { name: 'loadDigits, without the digits', code: from('loadDigits', '/digits'), limit: 12 },
  { name: 'loadPretrained, without a network', code: from('loadPretrained', '/pretrained'), limit: 12 },
  { name: 'exportOnnx', code: from('exportOnnx', '/onnx'), limit: 9 },
  { name: 'beside three.js', code: from('createPictureTexture, deviceOf', '/three'), limit: 2 },
  { name: 'connect', code: from('connect', '/worker'), limit: 4, split: false },
  { name: 'nothing', code: "import * as all from 'webgpu-diffusion/digits';", limit: 0.1 },
];
/** Objects that an engine creates, and the KB that each may add to the engine, on any adapter. */
const MADE = [
  { name: 'sampler', limit: 31, make: sample },
  { name: 'trainer', limit: 65, make: train },
];
const ENGINE_LIMIT = 47;
/** The check of kernels before they are used, with all references. */
const CHECK_LIMIT = 22;
const ADAPTERS = [
  { name: 'software', software: true, features: ['subgroups'] },
  { name: 'software, no subgroups', software: true },
  { name: 'GPU', software: false, features: ['subgroups'] },
  { name: 'GPU, no subgroups', software: false },
];

async function sample(engine) {
  const sampler = await engine.createSampler(await engine.createUNet(), { count: 16 });
  await sampler.sample({ steps: 1 });
}

async function train(engine) {
  const trainer = await engine.createTrainer(await engine.createUNet(), { batchSize: 64 });
  const images = { images: new Uint8Array(28 * 28), count: 1, height: 28, width: 28, channels: 1 };
  try {
    for await (const _ of trainer.fit(await engine.createDataset(images), { epochs: 1 }));
  } catch (error) {
    if (error.code !== 'shader') throw error; // the zeros that come back say that there was no step
  }
}

/** Makes what is checked first, and is refused. */
async function checked(engine) {
  const error = await engine.createUNet().catch((error) => error);
  if (error.code !== 'wrong-kernel') throw error;
}

/** Every chunk says, when it is loaded, that it is. */
const ANNOUNCE = 'globalThis.loadedChunks?.add(import.meta.url);';

/** Bundles `code`. The entry, and all files as text, by name. */
async function bundled(folder, name, code, split = true) {
  await writeFile(join(folder, `${name}.js`), code);
  const outdir = join(folder, 'out', name);
  const { metafile, outputFiles } = await bundle({
    entryPoints: [join(folder, `${name}.js`)],
    outdir,
    bundle: true,
    splitting: split,
    minify: true,
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'error',
    absWorkingDir: folder,
  });
  const files = new Map(outputFiles.map((file) => [basename(file.path), file.text]));
  const imports = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [
      basename(path),
      output.imports.filter(({ kind }) => kind === 'import-statement').map(({ path: to }) => basename(to)),
    ]),
  );
  const atOnce = new Set();
  const visit = (file) => {
    if (atOnce.has(file)) return;
    atOnce.add(file);
    for (const next of imports.get(file)) visit(next);
  };
  visit(`${name}.js`);
  return { entry: join(outdir, `${name}.js`), files, atOnce };
}

const gzipped = (files, names) =>
  [...names].reduce((sum, name) => sum + gzipSync(files.get(name), { level: 9 }).length, 0) / KB;

/** The files of the engine's bundle that `make` loads on an adapter, with the check of kernels or without. */
async function loadedBy({ entry, files }, adapter, make, selfCheck = false) {
  const loaded = new Set();
  globalThis.loadedChunks = loaded;
  // Another query, another instance of the entry; a chunk reports itself once, so each run needs its own copy.
  const folder = `${entry}.${Math.random().toString(36).slice(2)}`;
  await mkdir(folder, { recursive: true });
  for (const [file, text] of files) await writeFile(join(folder, file), `${ANNOUNCE}${text}`);
  const { createEngine } = await import(pathToFileURL(join(folder, basename(entry))).href);
  // Of what is measured any may turn out to be the fastest; without measuring it is what usually is.
  for (const tune of adapter.software ? [false] : [true, false]) {
    const engine = await createEngine({ device: fakeDevice(adapter), tune, selfCheck });
    await make(engine);
    engine.destroy();
  }
  return new Set([...loaded].map((url) => basename(fileURLToPath(url))));
}

/** The rows of the report. */
async function measure(folder) {
  const rows = [];
  for (const [i, { name, code, limit, split }] of PROGRAMS.entries()) {
    const { files, atOnce } = await bundled(folder, `program${i}`, code, split);
    rows.push({ name, size: gzipped(files, atOnce), limit });
  }
  const engine = await bundled(folder, 'engine', from('createEngine'));
  const base = gzipped(engine.files, engine.atOnce);
  rows.push({ name: 'createEngine', size: base, limit: ENGINE_LIMIT });
  Object.assign(globalThis, fakeGlobals());
  for (const { name, limit, make } of MADE) {
    for (const adapter of ADAPTERS) {
      const loaded = await loadedBy(engine, adapter, make);
      const size = gzipped(engine.files, loaded) - base;
      rows.push({ name: `the tutorial's ${name}, more (${adapter.name})`, size, limit });
    }
  }
  const [adapter] = ADAPTERS;
  const without = await loadedBy(engine, adapter, (made) => made.createUNet());
  const withCheck = await loadedBy(engine, adapter, checked, true);
  const more = [...withCheck].filter((file) => !without.has(file));
  rows.push({ name: 'the self-check, more', size: gzipped(engine.files, more), limit: CHECK_LIMIT });
  return rows;
}

const folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-size-'));
try {
  const installed = join(folder, 'node_modules/webgpu-diffusion');
  const outDir = join(installed, 'dist/lib');
  await mkdir(outDir, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await cp(join(root, 'package.json'), join(installed, 'package.json'));
  if (process.argv[2]) await cp(process.argv[2], outDir, { recursive: true });
  else await build({ root, mode: 'lib', logLevel: 'error', build: { outDir, reportCompressedSize: false } });
  const rows = await measure(folder);
  const width = Math.max(...rows.map(({ name }) => name.length));
  console.log(`${'KB gzip'.padEnd(width)}   size  limit`);
  for (const { name, size, limit } of rows)
    console.log(`${name.padEnd(width)} ${size.toFixed(1).padStart(6)} ${String(limit).padStart(6)}`);
  const over = rows.filter(({ size, limit }) => size > limit);
  if (over.length > 0) {
    console.error(`The package is too large: ${over.map(({ name }) => name).join('; ')}.`);
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}
