import { type AdapterDescription, ownName } from '../src/gpu/adapter';

/** One line: what does the work, and whether it is a real GPU. */
export function adapterText(adapter: AdapterDescription): string {
  const name = ownName(adapter) || 'not named';
  return adapter.software ? `${name} (software, on the CPU: its speed says nothing about GPUs)` : name;
}
