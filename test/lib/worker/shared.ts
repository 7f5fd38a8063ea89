/** A SharedWorker: every page that connects to it has a session of its own. */
import { createSession, expose } from '../../../src/worker';
import { images } from './tiny';

globalThis.addEventListener('connect', (event) => {
  const [port] = (event as MessageEvent).ports;
  expose(port, createSession({ images: () => images, engine: { selfCheck: false } }));
});
