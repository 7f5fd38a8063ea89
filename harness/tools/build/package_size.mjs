/**
 * Measures the package's size in programs that embed it, a part of `npm run check`:
 *
 *   node harness/tools/build/package_size.mjs
 *
 * builds the library, bundles small programs with it, prints how large they are (esbuild, minified and split; gzip -9; KB of 1,000 bytes),
 * and fails where one is over its limit. What is loaded later is not guessed: the bundle runs on a device on which nothing happens, and
 * its chunks say that they came.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build as bundle } from 'esbuild';
import { build } from 'vite';
import { fakeDevice, fakeGlobals } from './fake_gpu.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Programs that need no engine: name, limit in KB, what they take of which entry. `false`: without what esbuild would keep for others alone. */
const PROGRAMS = [
  ['EngineError', 1, 'EngineError', 'index', false],
  ['presets', 12, 'presets', 'index'],
  ['loadModel', 12, 'loadModel', 'index'],
  ['loadDigits, without the digits', 12, 'loadDigits', 'digits'],
  ['loadPretrained, without a network', 12, 'loadPretrained', 'pretrained'],
  ['enlarge', 3, 'enlarge', 'pretrained'],
  ['exportOnnx', 9, 'exportOnnx', 'onnx'],
  ['beside three.js', 2, 'createPictureTexture, deviceOf', 'three'],
  ['connect', 4, 'connect', 'worker', false],
  ['nothing', 0.1, '', 'digits'],
];
const ENGINE_LIMIT = 47;
/** Objects that an engine creates, and the KB that each may add to the engine, on any adapter. */
const MADE = [
  { name: 'sampler', limit: 31, make: sample },
  { name: 'trainer', limit: 65, make: train },
];
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

const folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-size-'));

/** A program with `names` of an entry: the texts of its files, by name. */
async function bundled(names, entry, splitting = true) {
  const { outputFiles } = await bundle({
    stdin: { contents: `export { ${names} } from './lib/${entry}.js';`, resolveDir: folder },
    outdir: join(folder, 'out'),
    bundle: true,
    splitting,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
    absWorkingDir: folder,
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
}

/** The names of the files that a program loads at once, and as `use` uses it. */
async function loadedBy(files, use = async (_) => {}) {
  const loaded = new Set();
  globalThis.loadedChunks = loaded;
  // A chunk says once that it is loaded, so each run needs its own copy.
  const copy = await mkdtemp(join(folder, 'run-'));
  for (const [file, text] of files)
    await writeFile(join(copy, file), `globalThis.loadedChunks?.add('${file}');${text}`);
  await use(await import(pathToFileURL(join(copy, 'stdin.js')).href));
  return loaded;
}

/** Makes something with an engine on an adapter, with the check of kernels or without. */
const making =
  (make, adapter, selfCheck = false) =>
  async ({ createEngine }) => {
    // Of what is measured any may turn out to be the fastest; without measuring it is what usually is.
    for (const tune of adapter.software ? [false] : [true, false]) {
      const engine = await createEngine({ device: fakeDevice(adapter), tune, selfCheck });
      await make(engine);
      engine.destroy();
    }
  };

const sizeOf = (files, names) =>
  [...names].reduce((sum, name) => sum + gzipSync(files.get(name), { level: 9 }).length, 0) / 1000;

/** The rows of the report: name, KB, limit. */
async function* measured() {
  for (const [name, limit, ...from] of PROGRAMS) {
    const files = await bundled(...from);
    yield [name, sizeOf(files, await loadedBy(files)), limit];
  }
  const files = await bundled('createEngine', 'index');
  const base = sizeOf(files, await loadedBy(files));
  yield ['createEngine', base, ENGINE_LIMIT];
  Object.assign(globalThis, fakeGlobals());
  for (const { name, limit, make } of MADE)
    for (const adapter of ADAPTERS) {
      const size = sizeOf(files, await loadedBy(files, making(make, adapter))) - base;
      yield [`the tutorial's ${name}, more (${adapter.name})`, size, limit];
    }
  const without = await loadedBy(
    files,
    making((engine) => engine.createUNet(), ADAPTERS[0]),
  );
  const withCheck = await loadedBy(files, making(checked, ADAPTERS[0], true));
  const more = [...withCheck].filter((file) => !without.has(file));
  yield ['the self-check, more', sizeOf(files, more), CHECK_LIMIT];
}

try {
  const outDir = join(folder, 'lib');
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "sideEffects": false }');
  await build({ root, mode: 'lib', logLevel: 'error', build: { outDir, reportCompressedSize: false } });
  console.log(`${'KB gzip'.padEnd(53)}   size  limit`);
  for await (const [name, size, limit] of measured()) {
    console.log(`${name.padEnd(53)} ${size.toFixed(1).padStart(6)} ${String(limit).padStart(6)}`);
    if (size <= limit) continue;
    console.error(`${name} is too large.`);
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}
