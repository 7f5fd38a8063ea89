/** Texts about kernels, shared by the page and the command line. */
import type { Progress } from '../../src/base/events';
import type { Variants } from '../../src/unet/variants';

const TASKS: Readonly<Record<Progress['task'], string>> = {
  compiling: 'Compiling the shaders',
  tuning: 'Measuring which kernels are fastest',
  comparing: 'Checking what this GPU computes, the first time only',
};

/** The text before a progress: the preparation under way, and a kernel that takes long. */
export const preparing = ({
  task,
  kernel,
  seconds,
}: Pick<Progress, 'task' | 'kernel' | 'seconds'>): string =>
  kernel === undefined ? TASKS[task] : `Compiling ${kernel}, for ${seconds} s so far`;

/** A line for each kernel: `conv2d: winograd7 (down.1 up.0), direct (down.0)`, and `conditioning: gpu`, which has no layer. */
export function variantLines(variants: Variants): string[] {
  const kernels = new Map<string, Map<string, string[]>>();
  for (const [entry, variant] of Object.entries(variants)) {
    const [kernel, layer] = entry.split('/');
    const used = kernels.get(kernel) ?? new Map<string, string[]>();
    kernels.set(kernel, used.set(variant, [...(used.get(variant) ?? []), ...(layer ? [layer] : [])]));
  }
  const named = ([variant, layers]: readonly [string, readonly string[]]) =>
    layers.length > 0 ? `${variant} (${layers.join(' ')})` : variant;
  return [...kernels].map(([kernel, used]) => `${kernel}: ${[...used].map(named).join(', ')}`);
}
