/** Describes the shape and the shaders of a single measurement. Pure. */
import { type Op, op } from '../../src/plan/op';
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

/** A variant by itself, on tensors of its own. */
export function opAt({ kernel }: AnySpec, shape: unknown, variant?: string, layer = ''): Op {
  const sizes = Object.entries(kernel.sizes(shape));
  const tensors = Object.fromEntries(sizes.map(([name, size]) => [name, tensor(name, size)]));
  return op(kernel, layer, shape as object, tensors, variant);
}

/** The shaders that an op runs, each once, in their order. */
export const shaderNames = ({ calls }: Op): string[] => [...new Set(calls.map(({ shader }) => shader.name))];
