import shader from '../../shaders/pack_weights.wgsl';
import { call, type Kernel } from '../kernel';
import { padChannels } from './conv2d';

export interface PackedLayer {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
}

/** A part of the packed buffer, in floats. */
export interface Region {
  readonly offset: number;
  readonly size: number;
}

export interface Packing {
  /** The kernel's table, 8 words a layer. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Of the packed buffer. */
  readonly size: number;
  readonly layers: readonly { readonly forward: Region; readonly bias: Region; readonly backward: Region }[];
  /** Size of the flat parameter buffer. */
  readonly parameters: number;
}

/** Regions start at multiples of this many floats, so that each can be bound by itself. */
const ALIGNMENT = 64;
const align = (offset: number) => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/**
 * Where everything lies. In the flat buffer a layer's bias follows its kernel, and layers start at multiples of 64 floats; in the
 * packed buffer all regions do.
 */
export function packing(layers: readonly PackedLayer[]): Packing {
  const rows: number[] = [];
  let parameters = 0;
  let size = 0;
  const region = (floats: number): Region => {
    const offset = size;
    size = align(size + floats);
    return { offset, size: floats };
  };
  const regions = layers.map(({ inChannels, outChannels, kernelSize }) => {
    const taps = kernelSize ** 2;
    const start = parameters;
    const end = start + taps * inChannels * outChannels + outChannels;
    parameters = align(end);
    const forward = region(taps * inChannels * padChannels(outChannels));
    const bias = region(padChannels(outChannels));
    const backward = region(taps * outChannels * padChannels(inChannels));
    rows.push(start, inChannels, outChannels, taps, forward.offset, bias.offset, backward.offset, end);
    return { forward, bias, backward };
  });
  return { rows: Uint32Array.from(rows), size, layers: regions, parameters };
}

export const packWeights: Kernel<readonly PackedLayer[], 'parameters' | 'table' | 'packed'> = {
  name: 'pack_weights',
  sizes: (layers) => {
    const { parameters, rows, size } = packing(layers);
    return { parameters, table: rows.length, packed: size };
  },
  cost: (layers) => ({ flops: 0, bytes: 12 * packing(layers).parameters }),
  variants: {
    plain: {
      calls: (layers, tensors) => {
        const { rows } = packing(layers);
        const size = rows[rows.length - 1]; // the end of the last layer
        return [call(shader, { size, rows: layers.length }, tensors, size)];
      },
    },
  },
};
