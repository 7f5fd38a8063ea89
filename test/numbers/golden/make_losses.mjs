// Makes losses.json anew: the golden run's losses as two independent libraries get them on this machine's adapter.
//
//   npm run golden
//
// writes jax-js's losses if TensorFlow.js (its WebGPU backend: the ones for the CPU and wasm have wrong gradients) agrees.
import { writeFileSync } from 'node:fs';
import { createPeerServer } from '../../../harness/tools/peers/vite.mjs';

const BATCH = 16;
const STEPS = 10;
/**
 * Relative, for the eight steps that tests compare and for the others. Nearly all of the difference comes from TensorFlow.js
 * keeping the powers of Adam's betas in f32: jax-js given the same rounded powers agrees with it to 2e-7 in all ten steps.
 */
const TOLERANCE = 2e-6;
const LATE_TOLERANCE = 1e-5;

const server = await createPeerServer();
const load = (file) => server.ssrLoadModule(file);
const { devDependencies } = (await load('/package.json')).default;
const { goldenBatch } = await load('/harness/run/golden_workload.ts');
const { installWebGPU } = await load('/src/node/index.ts');
const { watchDevices } = await load('/harness/tools/peers/devices.ts');
const { loadPeer } = await load('/harness/tools/peers/compare.ts');
const { makeWorkload } = await load('/harness/tools/peers/workload.ts');

await installWebGPU();
const devices = await watchDevices();
async function lossesOf(name) {
  const createPeer = await loadPeer[name]();
  const peer = await createPeer(BATCH, makeWorkload('tutorial'));
  const losses = [];
  for (let step = 0; step < STEPS; step++) losses.push(await peer.step(goldenBatch(step, BATCH)));
  return losses;
}
const losses = await lossesOf('jax-js');
const second = await lossesOf('tfjs-webgpu');

const differences = losses.map((loss, i) => Math.abs(second[i] / loss - 1));
for (const [step, loss] of losses.entries()) {
  console.log(`step ${step}: ${loss}, TensorFlow.js differs by ${differences[step].toExponential(1)}`);
}
const errors = devices.flatMap((seen) => seen.errors);
const agree = differences.every((d, step) => d <= (step < 8 ? TOLERANCE : LATE_TOLERANCE));
if (!agree)
  console.error(
    `Not written: the libraries differ by more than ${TOLERANCE} in the first eight steps or ${LATE_TOLERANCE} later.`,
  );
else if (errors.length > 0) console.error(`Not written: a device reported ${errors[0]}`);
else {
  const versions = `jax-js ${devDependencies['@jax-js/jax']}, TensorFlow.js ${devDependencies['@tensorflow/tfjs-core']} (WebGPU) agrees to ${TOLERANCE.toExponential()} for eight steps`;
  const fields = {
    about:
      "Losses of the golden run (harness/run/golden_workload.ts): the tutorial's network, Adam 1e-3, one fresh batch a step.",
    regenerate: 'npm run golden',
    library: versions,
    batch: BATCH,
  };
  const lines = Object.entries(fields).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)},`,
  );
  // Nine digits tell any f32 apart.
  const digits = losses.map((loss) => Number(loss.toPrecision(9))).join(', ');
  writeFileSync(
    new URL('losses.json', import.meta.url),
    ['{', ...lines, `  "losses": [${digits}]`, '}', ''].join('\n'),
  );
}
process.exit(agree && errors.length === 0 ? 0 : 1);
