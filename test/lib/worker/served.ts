/** The worker of the tests: it loses its device at the message `lose`, and throws at the message `throw`. */
import { createSession, expose } from '../../../src/worker';
import { losableGpu } from './losable';
import { images } from './tiny';

const { gpu, lose } = losableGpu();
globalThis.addEventListener('message', ({ data }) => {
  if (data === 'lose') lose();
  if (data === 'throw') JSON.parse('{');
});
expose(globalThis, createSession({ images: () => images, engine: { gpu, selfCheck: false } }));
