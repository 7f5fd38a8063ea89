import { expect, test } from 'vitest';
import { createQualityMeter } from '../../../harness/quality/quality';
import { loadDigitLabels, loadDigits } from '../../../src/data/digits';
import { refused } from '../../lib/refused';
import { random } from './random';

const pixels = 28 * 28;
const meter = await createQualityMeter();
const digits = (await loadDigits()).images;
const labels = await loadDigitLabels();
const real = meter.measureReal();

/** `count` held-out digits as greys, and their labels. */
function heldOut(count: number) {
  const images = Float32Array.from(
    digits.subarray(9000 * pixels, (9000 + count) * pixels),
    (byte) => byte / 255,
  );
  return { images, labels: labels.subarray(9000, 9000 + count) };
}

test('real digits are the 1,000 that the classifier has not learnt from, and near the best in each measure', () => {
  // 967 accepted and 994 named rightly; others would give other counts.
  expect(real).toMatchObject({
    accepted: expect.closeTo(0.967, 9),
    classAccuracy: expect.closeTo(0.994, 9),
  });
  expect(real.digitDistance).toBeGreaterThan(0);
  expect(real.digitDistance).toBeLessThan(8);
  expect(Math.min(real.precision, real.recall)).toBeGreaterThan(0.9);
  expect(real.entropy).toBeGreaterThan(0.99);
  expect(real.entropy).toBeLessThanOrEqual(1);
});

test('the quality of noise is bad in each measure, however dark the noise', () => {
  const next = random(3);
  for (const ink of [0, 0.3, 1]) {
    const noise = new Float32Array(50 * pixels).map(() => (next() < ink ? 1 : 0));
    const { accepted, digitDistance, recall, classAccuracy } = meter.measure(noise);
    expect(accepted).toBe(0);
    expect(digitDistance).toBeGreaterThan(20 * real.digitDistance);
    expect(recall).toBeLessThan(0.01);
    expect(classAccuracy).toBeUndefined();
  }
});

test('one digit again and again is accepted, but has no recall, no entropy and a large distance', () => {
  const images = new Float32Array(100 * pixels);
  const { images: one } = heldOut(1);
  for (let n = 0; n < 100; n++) images.set(one, n * pixels);
  const { accepted, recall, entropy, digitDistance } = meter.measure(images);
  // What makes the others necessary: by itself, each of these digits is as good as real.
  expect(accepted).toBe(1);
  expect(recall).toBeLessThan(0.01);
  expect(entropy).toBe(0);
  expect(digitDistance).toBeGreaterThan(20 * real.digitDistance);
});

test('wrong labels lower the class accuracy', () => {
  const { images, labels: right } = heldOut(100);
  expect(meter.measure(images, right).classAccuracy).toBeGreaterThan(0.95);
  const wrong = [...right].map((label, n) => (n < 50 ? label : (label + 1) % 10));
  expect(meter.measure(images, wrong).classAccuracy).toBeCloseTo(0.5, 1);
});

test('grey images are binarised before they are measured', () => {
  const { images } = heldOut(20);
  const binarised = images.map((value) => (value > 0.5 ? 1 : 0));
  expect(meter.measure(images)).toEqual(meter.measure(binarised));
  // Exactly a half is still paper.
  const half = images.map((value) => Math.max(value, 0.5));
  expect(meter.measure(half)).toEqual(meter.measure(binarised));
});

const { images: six } = heldOut(6);
const withValue = (value: number) => six.with(pixels + 3, value);
test.each<[images: Float32Array, ...facts: (string | number)[]]>([
  [six.subarray(pixels), 5 * pixels, '6 or more', '28x28'],
  [withValue(-1), '-1', pixels + 3, 'image 1', '0 to 1'],
  [withValue(NaN), 'NaN', 'image 1'],
])('images %# are refused', async (images, ...facts) => {
  await refused(() => meter.measure(images), 'argument', ...facts);
});
