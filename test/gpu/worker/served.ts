/** The worker of the tests: it can be told to lose its device. */
import { serve } from '../../../src/worker';
import { losableGpu } from './losable';
import { images } from './tiny';

const { gpu, lose } = losableGpu();
globalThis.addEventListener('message', ({ data }) => {
  if (data === 'lose') lose();
});
serve(globalThis, { images: () => images, engine: { gpu, selfCheck: false } });
