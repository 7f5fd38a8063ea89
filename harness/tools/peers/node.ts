/** Gives Node the `navigator` that the libraries use. */
import { nodeGpu } from '../../../src/node/dawn';

export async function installNavigator(): Promise<void> {
  const gpu = await nodeGpu();
  // Node has its own navigator from version 21 on. jax-js reads the user agent when it loads.
  if (!globalThis.navigator) {
    const value = { userAgent: `Node.js/${process.versions.node}` };
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
  }
  if (!navigator.gpu) Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
}
