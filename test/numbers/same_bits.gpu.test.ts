/** The same seed, adapter and variants give the same bits; another compiler or adapter the same losses, nearly. See also resume. */
import { expect, test } from 'vitest';
import { createEngine } from '../../src/engine';
import { recipeNames, run, STEPS, widest } from '../lib/bits';
import { testGpu } from '../lib/gpu';
import { takesLong } from '../lib/lanes/limits';
import golden from './golden/bits.json';

const { gpu, lane } = await testGpu();
const newEngine = () => createEngine({ device: gpu.device, selfCheck: false });

const engine = await newEngine();
const alone = { tutorial: await run(engine, 'tutorial'), digits: await run(engine, 'digits') };

/**
 * Five times the largest relative difference seen: 3.9e-9 in Node and Firefox (lavapipe), 3.3e-7 in Chrome (SwiftShader); with the forms for
 * GPUs 2.6e-7.
 */
const BAND = 1.7e-6;

test.each(recipeNames)('%s: 20 losses are the recorded ones, nearly, on any adapter', (name) => {
  const { losses } = alone[name];
  expect(losses).toHaveLength(STEPS);
  expect(
    widest(losses, golden[name]),
    `If kernels have changed for good, test/numbers/golden/bits.json gets the losses of the lane node: ${JSON.stringify(losses)}`,
  ).toBeLessThan(BAND);
});

test('engines that work on one device at the same time each give the bits of an engine alone', async () => {
  using other = await newEngine();
  const [tutorial, digits, again] = await Promise.all([
    run(engine, 'tutorial'),
    run(other, 'digits'),
    run(other, 'tutorial'),
  ]);
  expect({ tutorial, digits }).toEqual(alone);
  expect(again).toEqual(alone.tutorial);
  expect(alone.digits.bits).not.toBe(alone.tutorial.bits);
});

// A browser starts no processes.
if (lane === 'node') {
  test('another process gives the same bits', takesLong('runsProcesses'), async () => {
    const { execFile } = process.getBuiltinModule('node:child_process');
    const { promisify } = process.getBuiltinModule('node:util');
    const { stdout } = await promisify(execFile)(process.execPath, [
      'test/long/bits_of_a_process.mjs',
      'small',
    ]);
    expect(JSON.parse(stdout)).toEqual(alone);
  });
}
