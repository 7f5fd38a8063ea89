/** The diffusion model as a classifier: the pretrained network reads digits that it was not trained on. */
import { expect, test } from 'vitest';
import { classLosses } from '../../harness/pictures/classify';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { loadPretrained } from '../../src/pretrained/index';
import { UNet } from '../../src/unet/unet';
import { testGpu } from '../lib/gpu';

const { gpu } = await testGpu();

/** The last 1,000 digits were held out when the network was trained, and these when the noise levels were chosen. */
const FIRST = 9980;
const COUNT = 8;
const digits = await loadDigits();
const size = digits.height * digits.width;
const images = digits.images.subarray(FIRST * size, (FIRST + COUNT) * size);
const labels = (await loadDigitLabels()).subarray(FIRST, FIRST + COUNT);

async function pretrained() {
  const { config, parameters } = await loadPretrained('digits');
  const unet = await UNet.create(gpu, config);
  await unet.setParameters(parameters);
  return unet;
}

test('the class whose prediction errs least is the class of the digit', async () => {
  using unet = await pretrained();
  let right = 0;
  for (const [i, label] of labels.entries()) {
    const image = Float32Array.from(images.subarray(i * size, (i + 1) * size), (byte) => byte / 255);
    const losses = await classLosses(unet, image);
    expect(losses).toHaveLength(10);
    if (losses.indexOf(Math.min(...losses)) === label) right++;
  }
  // 190 of the 200 digits from 9,000 on; by chance it would be 5.
  expect(right).toBeGreaterThanOrEqual(0.9 * COUNT);
});
