/**
 * In a page: trains in submissions of 12 ms while something takes `milliseconds` of each turn of this page's thread, or (`where=worker`) of
 * another one's. The title becomes the number of steps that the last seconds made.
 */
import { loadDigits } from '../../src/data/digits';
import { createEngine } from '../../src/engine';
import { recipeAt } from '../../src/recipes';

const LEARNING_MS = 15_000;
const MEASURED_MS = 20_000;

/** Works for `milliseconds` in each turn that `next` gives it. */
function busy(milliseconds: number, next: (turn: () => void) => void): void {
  next(() => {
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    busy(milliseconds, next);
  });
}

const parameters = new URLSearchParams(location.search);
const milliseconds = Number(parameters.get('milliseconds'));
if (parameters.get('where') === 'worker') {
  // As frames do, each turn begins with the next sixtieth of a second.
  const next = '(turn) => setTimeout(turn, 1000 / 60 - (performance.now() % (1000 / 60)))';
  const turns = `(${busy})(${milliseconds}, ${next})`;
  new Worker(URL.createObjectURL(new Blob([`const busy = ${busy}; ${turns}`])));
} else busy(milliseconds, requestAnimationFrame);

async function train(): Promise<number> {
  using engine = await createEngine({ maxSubmitMilliseconds: 12 });
  const { network, trainer: settings } = recipeAt('tutorial', 16);
  const unet = await engine.createUNet(network);
  const trainer = await engine.createTrainer(unet, { ...settings, batchSize: 16 });
  using dataset = await engine.createDataset(await loadDigits());
  let [begun, learned] = [0, 0];
  for await (const { step } of trainer.fit(dataset, { epochs: 1000 })) {
    const now = performance.now();
    begun ||= now;
    if (now - begun < LEARNING_MS) learned = step;
    else if (now - begun > LEARNING_MS + MEASURED_MS) return step - learned;
  }
  throw new Error('The run was too short.');
}

train().then(
  (steps) => {
    document.title = `${steps} steps`;
  },
  (error) => {
    document.title = `failed: ${error}`;
  },
);
