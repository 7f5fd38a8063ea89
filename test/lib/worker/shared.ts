/** A SharedWorker: every page that connects to it has a run of its own. */
import { serve } from '../../../src/worker';
import { images } from './tiny';

globalThis.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  serve(port, { images: () => images, engine: { selfCheck: false } });
});
