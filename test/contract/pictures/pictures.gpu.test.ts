/** The tutorial's pictures, with a network that has learned nothing. */
import { expect, test } from 'vitest';
import { runPictures } from '../../../harness/cli/run_pictures';
import { Random } from '../../../harness/specs/lib/spec';
import { createEngine } from '../../../src/engine';
import { testGpu } from '../../lib/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });

test('runPictures makes the pictures of a training run, in order and of the right size', async () => {
  const images = Uint8Array.from(new Random(1).integers(9 * 64, 256));
  const set = { images, count: 9, height: 8, width: 8, channels: 1 };
  using unet = await engine.createUNet({ height: 8, width: 8, widths: [4, 4], kernelSize: 3 }, { seed: 1 });
  const steps: Record<string, number> = {};
  const onStep = (name: string, step: number) => {
    steps[name] = step;
  };
  const sizes: Record<string, [number, number]> = {};
  for await (const { name, picture } of runPictures(engine, unet, set, { seed: 3, onStep })) {
    sizes[name] = [picture.width, picture.height];
    // Something is drawn. (50 steps of a network that has learned nothing wipe everything out.)
    if (name !== 'samples-50-steps') expect(new Set(picture.data).size, name).toBeGreaterThan(50);
  }
  // A cell is 4 * 8 pixels and a gap of 4; one more gap, and two more where x ends and the predictions begin.
  expect(sizes).toEqual({
    corruption: [8 * 36 + 4, 2 * 36 + 4],
    predictions: [8 * 36 + 4, 3 * 36 + 4],
    'samples-5-steps': [16 * 36 + 12, 5 * 36 + 4],
    'samples-50-steps': [8 * 36 + 4, 8 * 36 + 4],
  });
  expect(Object.keys(sizes)).toEqual(['corruption', 'predictions', 'samples-5-steps', 'samples-50-steps']);
  expect(steps).toEqual({ 'samples-5-steps': 5, 'samples-50-steps': 50 });
});
