/** The training worker. The page uses it through createWorkerClient. */
import { loadDigitLabels, loadDigits } from '../../dist/lib/digits.js';
import { serve } from '../../dist/lib/worker.js';

async function images() {
  const [images, labels] = await Promise.all([loadDigits(), loadDigitLabels()]);
  return { ...images, labels };
}

const calls = {
  /** The network's loss on the first digits, at ten levels of noise. */
  evaluate: (count, { inTurn, trainer, signal }) =>
    inTurn(async () => {
      const all = await images();
      const some = { ...all, count, images: all.images.slice(0, count * all.height * all.width) };
      return trainer()?.evaluate({ ...some, labels: all.labels.slice(0, count) }, { signal });
    }),
};

serve(globalThis, { images, calls });
