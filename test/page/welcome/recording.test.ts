import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeRecording, encodeRecording, trajectory } from '../../../harness/page/welcome/recording';

const file = new URL('../../../harness/page/welcome/recording.gz', import.meta.url);

test('the recording is small and whole', () => {
  const bytes = readFileSync(file);
  expect(bytes.length).toBeLessThan(105_000);
  const { making, learning, x, predictions, samples } = decodeRecording(new Uint8Array(gunzipSync(bytes)));
  expect({ xCount: x.length, predictionsCount: predictions.length }).toEqual({
    xCount: making.steps + 1,
    predictionsCount: making.steps,
  });
  // The last step takes the prediction itself.
  expect(x[making.steps]).toEqual(predictions[making.steps - 1]);
  expect(samples).toHaveLength(learning.at.length);
  expect(learning.losses).toHaveLength(learning.at[learning.at.length - 1]);
});

test('a recording is read back as it was written', () => {
  const head = {
    height: 2,
    width: 2,
    making: { images: 1, steps: 2, seed: 3 },
    learning: { images: 2, at: [0, 1], losses: [0.5], batch: 4 },
  };
  const predictions = [new Uint8Array([0, 50, 100, 255]), new Uint8Array([255, 0, 0, 9])];
  const samples = [new Uint8Array(8).fill(7), new Uint8Array(8).fill(8)];
  const bytes = encodeRecording(head, predictions, samples);
  const read = decodeRecording(bytes);
  expect(read).toEqual({ ...head, predictions, samples, x: trajectory(head, predictions) });
  expect(read.x[2]).toEqual(predictions[1]);
  expect(() => decodeRecording(bytes.subarray(0, bytes.length - 1))).toThrow('The recording has');
});
