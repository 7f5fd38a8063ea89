/** All that trains. The page asks for it through createWorkerClient. */
import { loadDigitLabels, loadDigits } from '../../dist/lib/digits.js';
import { serve } from '../../dist/lib/worker.js';

serve(globalThis, {
  async images() {
    const [images, labels] = await Promise.all([loadDigits(), loadDigitLabels()]);
    return { ...images, labels };
  },
});
