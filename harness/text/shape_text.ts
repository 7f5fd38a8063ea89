/** Describes the shape and the shaders of a single measurement. Pure. */
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import type { AnySpec } from '../specs/lib/registry';

/** `batch 16, height 28, width 28, in channels 1`: numbers and words as they are, lists by their lengths. */
export function shapeText(shape: unknown): string {
  const entries = Object.entries(shape as Readonly<Record<string, unknown>>);
  return entries
    .flatMap(([name, value]) => {
      const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
      if (Array.isArray(value)) return `${value.length} ${words}`;
      if (value === undefined || typeof value === 'object') return [];
      return typeof value === 'boolean' ? (value ? words : []) : `${words} ${value}`;
    })
    .join(', ');
}

/** The shaders that a variant runs for a shape, each once, in their order. */
export function shadersOf({ kernel }: AnySpec, shape: unknown, variant: string): string[] {
  const sizes = kernel.sizes(shape);
  const tensors = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, tensor(name, size)]));
  const { calls } = op(kernel, '', shape as object, tensors, variant);
  return [...new Set(calls.map(({ shader }) => shader.name))];
}
