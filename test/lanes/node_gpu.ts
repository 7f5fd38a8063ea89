/** Gives Node what browsers have: `navigator.gpu`, from the npm package webgpu (Dawn). */
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
