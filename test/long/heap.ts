/** JavaScript's memory in an engine that works for long. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import { createEngine, recipes, type Sampler } from '../../src/index';
import { nodeGpu } from '../../src/node/dawn';
import type { Row } from './row';

const MINUTES = 20;
/** The first minutes fill caches. */
const FIRST_MINUTES = 5;
const MOST_MB_A_MINUTE = 0.1;
const STEPS = 8;
/** Times that a sampler is used before another takes its place. */
const USES = 5;

/** The slope of the least-squares line through points [x, y]. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const sum = (of: (dx: number, dy: number) => number) =>
    points.reduce((all, point) => all + of(point[0] - x, point[1] - y), 0);
  return sum((dx, dy) => dx * dy) / sum((dx) => dx * dx);
}

export const heap: Row = {
  name: `heap in ${MINUTES} minutes of training and sampling in turns`,
  async run() {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    using engine = await createEngine({ gpu: await nodeGpu() });
    const unet = await engine.createUNet(recipes.digits.network);
    const trainer = await engine.createTrainer(unet, { ...recipes.digits.trainer, batchSize: 16 });
    const images = await engine.createDataset({ ...(await loadDigits()), labels: await loadDigitLabels() });
    let sampler: Sampler | undefined;
    let [steps, samplings] = [0, 0];
    const points: [number, number][] = [];
    const start = performance.now();
    const minutes = () => (performance.now() - start) / 60_000;
    while (minutes() < MINUTES) {
      for await (const _ of trainer.fit(images, { epochs: 1000, maxSteps: STEPS })) steps++;
      if (samplings++ % USES === 0) {
        sampler?.destroy();
        sampler = await engine.createSampler(unet, { count: 16 });
      }
      await sampler!.sample({ steps: 3 });
      // Finalizers of GPU objects run in a turn of the event loop.
      collect();
      await new Promise((resolve) => setTimeout(resolve, 50));
      collect();
      if (minutes() > FIRST_MINUTES) points.push([minutes(), process.memoryUsage().heapUsed / 1e6]);
    }
    const slope = slopeOf(points);
    const [first, last] = [points[0][1], points.at(-1)![1]].map((mb) => mb.toFixed(1));
    const figure = `${slope.toFixed(3)} MB a minute after the first ${FIRST_MINUTES}: ${first} to ${last} MB; ${steps} steps, ${samplings} samplings`;
    if (!(slope < MOST_MB_A_MINUTE)) throw new Error(figure);
    return figure;
  },
};
