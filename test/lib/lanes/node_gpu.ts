/** Gives Node what browsers have: `navigator.gpu`, from the npm package webgpu (Dawn). */
import { create, globals } from 'webgpu';

// Once for all files of a process: what is made on a device of this must not outlive it.
if (!globalThis.navigator?.gpu) {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
}
