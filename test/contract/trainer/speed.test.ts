import { afterEach, expect, test, vi } from 'vitest';
import { SpeedMeter } from '../../../src/training/fit';

let now = 1000;
vi.spyOn(performance, 'now').mockImplementation(() => now);
afterEach(() => {
  now = 1000;
});

test('SpeedMeter gives images per second since the start', () => {
  const meter = new SpeedMeter();
  now += 500;
  expect(meter.add(32)).toBeCloseTo(64);
  now += 1500;
  expect(meter.add(8)).toBeCloseTo(20);
});

test('SpeedMeter forgets what is more than five seconds ago', () => {
  const meter = new SpeedMeter();
  const second = (images: number) => {
    now += 1000;
    return meter.add(images);
  };
  for (let i = 0; i < 10; i++) expect(second(100)).toBeCloseTo(100);
  expect(second(40)).toBeCloseTo(90); // the last six seconds
  for (let i = 0; i < 5; i++) second(40);
  expect(second(40)).toBeCloseTo(40);
});
