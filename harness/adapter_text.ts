import type { AdapterDescription } from '../src/device';

/** One line: what does the work, and whether it is a real GPU. */
export function adapterText({
  vendor,
  architecture,
  device,
  description,
  software,
}: AdapterDescription): string {
  const name = description || [vendor, architecture, device].filter(Boolean).join(' ') || 'not named';
  return software ? `${name} (software, on the CPU: its speed says nothing about GPUs)` : name;
}
