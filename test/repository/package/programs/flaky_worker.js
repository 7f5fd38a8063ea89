/** The worker of flaky.js: import maps do not hold in it. */
import { createSession, expose } from '/node_modules/webgpu-diffusion/dist/lib/worker.js';

expose(globalThis, createSession({ store: false }), { answer: () => 42 });
