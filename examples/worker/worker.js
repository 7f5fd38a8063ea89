/** The training worker. The page calls it through connect. */
import { loadDigitLabels, loadDigits } from '../../dist/lib/digits.js';
import { createSession, expose } from '../../dist/lib/worker.js';

async function images() {
  const [images, labels] = await Promise.all([loadDigits(), loadDigitLabels()]);
  return { ...images, labels };
}

const session = createSession({ images });

/** The network's loss on the first digits, at ten levels of noise. */
async function evaluate(count, { signal }) {
  const all = await images();
  const some = { ...all, count, images: all.images.slice(0, count * all.height * all.width) };
  const labels = all.labels.slice(0, count);
  const work = ({ trainer, signal }) => trainer?.evaluate({ ...some, labels }, { signal });
  return session.turn('answer', work, { signal });
}

expose(globalThis, session, { evaluate });
