/** Up to where `train` submits steps before it looks at the network. No GPU. */
import { expect, test } from 'vitest';
import { Training } from '../../harness/cli/training';

test('no step is submitted past the end of an epoch that is evaluated, or past a frame of the history', async () => {
  const losses: number[] = [];
  const seen: string[] = [];
  /** The steps that are submitted. */
  let submitted = 0;
  const look = (what: string) => seen.push(`${what} after ${submitted}`);
  const run = {
    losses,
    add: (loss: number) => void losses.push(loss),
    async *train({ steps }: { readonly steps: number }) {
      submitted = Math.min(submitted + steps, 9);
      while (losses.length < submitted) yield { loss: 0.5, imagesPerSecond: 4 };
    },
    get complete() {
      return losses.length === 9;
    },
    end: 9,
    stepsPerEpoch: 5,
    settings: {},
    images: { count: 20 },
    trainer: { batchSize: 4, evaluate: async () => look('epoch') && { loss: 1 } },
  };
  const history = {
    next: 0,
    async add(step: number) {
      if (step < this.next) return;
      this.next = step + 4;
      look('frame');
    },
  };
  const progress = { print() {}, update() {}, clear() {} };
  const options = { run, folder: {}, held: {}, heldOutLosses: [], progress };
  type Parts = ConstructorParameters<typeof Training>;
  const training = new Training({} as Parts[0], options as unknown as Parts[1]);
  // What `prepare` would make, and the writing of files.
  Object.assign(training, { history, save() {} });
  await training.train(new AbortController().signal);
  expect(seen).toEqual(['frame after 0', 'frame after 4', 'epoch after 5', 'frame after 8']);
});
