/** In a service worker, bundled to one file. */
import { createEngine } from 'webgpu-diffusion';
import { use } from './use.js';

addEventListener('message', (event) => {
  const [port] = event.ports;
  const done = createEngine()
    .then(use)
    .then(
      (used) => port.postMessage({ used }),
      (error) => port.postMessage({ problem: `${error.name}: ${error.message}` }),
    );
  event.waitUntil(done);
});
