/** The worker of flaky.js: import maps do not hold in it. */
import { serve } from '/node_modules/webgpu-diffusion/dist/lib/worker.js';

serve(globalThis, { store: false, calls: { answer: () => 42 } });
