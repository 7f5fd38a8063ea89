/** The worker of the tests: it loses its device, or throws, when it is told to. */
import { serve } from '../../../src/worker';
import { losableGpu } from './losable';
import { images } from './tiny';

const { gpu, lose } = losableGpu();
globalThis.addEventListener('message', ({ data }) => {
  if (data === 'lose') lose();
  if (data === 'throw') JSON.parse('{');
});
serve(globalThis, { images: () => images, engine: { gpu, selfCheck: false } });
