/** A network as a graph of ONNX operators, equivalent to the kernels of src/unet/forward.ts. */

import { FREQUENCIES } from '../plan/conditioning';
import {
  conditioningLayers,
  countOutChannels,
  type Layer,
  listLayers,
  type UNetConfig,
} from '../unet/config';
import type { Attribute, OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from './proto';

/** Every operator here has had its present form since this operator set. */
export const OPSET = 13;

/** `weights` have PyTorch's names and orders, which are ONNX' too. */
export function buildGraph(config: UNetConfig, weights: readonly OnnxTensor[]): OnnxGraph {
  const builder = new Builder();
  const biases = imageBiases(builder, config);
  const skips: string[] = [];
  let x = 'images';
  for (const layer of listLayers(config)) {
    x = convolution(builder, layer, x, biases.get(layer.name));
    if (layer.next === 'pool') {
      skips.push(x);
      x = builder.add(`${layer.name}.pool`, 'MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
    } else if (layer.next === 'upsample') {
      const larger = builder.add(
        `${layer.name}.upsample`,
        'Resize',
        [x, '', builder.floats('doubled', [1, 1, 2, 2])],
        {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        },
      );
      x = builder.add(`${layer.name}.skip`, 'Add', [larger, skips.pop()!]);
    }
  }
  return {
    nodes: builder.endingIn('prediction'),
    initializers: [...weights, ...builder.constants.values()],
    ...interfaceOf(config),
  };
}

function interfaceOf(config: UNetConfig): Pick<OnnxGraph, 'inputs' | 'outputs'> {
  const { height, width, channels, conditioning } = config;
  const { noiseLevel, classes } = conditioning ?? { noiseLevel: false, classes: 0 };
  const image = (name: string, channels: number): OnnxValue => ({
    name,
    type: 'float',
    shape: ['count', channels, height, width],
    doc: '[count, channels, height, width]',
  });
  const inputs = [image('images', channels)];
  if (noiseLevel) {
    const doc = 'The share of noise in each image, 0 to 1.';
    inputs.push({ name: 'levels', type: 'float', shape: ['count'], doc });
  }
  if (classes > 0) {
    const doc = `The class of each image, 0 to ${classes - 1}, or ${classes} for none.`;
    inputs.push({ name: 'labels', type: 'int64', shape: ['count'], doc });
  }
  return { inputs, outputs: [image('prediction', countOutChannels(config))] };
}

function convolution(builder: Builder, layer: Layer, x: string, bias: string | undefined): string {
  const { name, kernelSize, activation, residual } = layer;
  const pad = (kernelSize - 1) / 2;
  let y = builder.add(`${name}.convolution`, 'Conv', [x, `${name}.weight`, `${name}.bias`], {
    kernel_shape: [kernelSize, kernelSize],
    pads: [pad, pad, pad, pad],
  });
  if (bias) y = builder.add(`${name}.biased`, 'Add', [y, bias]);
  if (activation === 'swish') y = builder.swish(name, y);
  return residual ? builder.add(`${name}.residual`, 'Add', [x, y]) : y;
}

/** The biases of each layer that has them for each image, [count, channels, 1, 1], by the layer's name. */
function imageBiases(builder: Builder, config: UNetConfig): ReadonlyMap<string, string> {
  const conditioning = conditioningLayers(config);
  if (!conditioning) return new Map();
  const { noiseLevel, classes, hidden, output } = conditioning;
  const name = 'conditioning';
  let sum = `${hidden.name}.bias`;
  if (noiseLevel) {
    // f32 as everywhere: w_k = 100^(k / 15).
    const frequencies = Array.from({ length: FREQUENCIES }, (_, k) => 100 ** (k / (FREQUENCIES - 1)));
    const column = builder.add(`${name}.levels`, 'Unsqueeze', ['levels', builder.integers('second', [1])]);
    const phases = builder.add(`${name}.phases`, 'Mul', [column, builder.floats('frequencies', frequencies)]);
    const waves = ['Sin', 'Cos'].map((op) => builder.add(`${name}.${op.toLowerCase()}`, op, [phases]));
    const features = builder.add(`${name}.features`, 'Concat', waves, { axis: 1 });
    sum = builder.add(`${name}.noise`, 'Gemm', [features, `${hidden.name}.weight`, sum], { transB: 1 });
  }
  if (classes > 0) {
    const rows = builder.add(`${name}.rows`, 'Gather', [`${hidden.name}.classes`, 'labels']);
    sum = builder.add(`${name}.class`, 'Add', [rows, sum]);
  }
  const activated = builder.swish(hidden.name, sum);
  const all = builder.add(output.name, 'Gemm', [activated, `${output.name}.weight`, `${output.name}.bias`], {
    transB: 1,
  });
  const pixels = builder.add(`${name}.pixels`, 'Unsqueeze', [all, builder.integers('last', [2, 3])]);
  const conditioned = listLayers(config).filter(({ imageBias }) => imageBias !== undefined);
  const sizes = builder.integers(
    'channels',
    conditioned.map(({ outChannels }) => outChannels),
  );
  const names = conditioned.map((layer) => `${layer.name}.image_bias`);
  builder.addSeveral(`${name}.biases`, 'Split', [pixels, sizes], names, { axis: 1 });
  return new Map(conditioned.map((layer, i) => [layer.name, names[i]]));
}

/** Collects nodes in the order in which they are computed. A node with one output gives it its name. */
class Builder {
  private readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxTensor>();

  add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): string {
    this.addSeveral(name, op, inputs, [name], attributes);
    return name;
  }

  addSeveral(
    name: string,
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Record<string, Attribute> = {},
  ): void {
    this.nodes.push({ name, op, inputs, outputs, attributes });
  }

  swish(name: string, x: string): string {
    return this.add(`${name}.swish`, 'Mul', [x, this.add(`${name}.sigmoid`, 'Sigmoid', [x])]);
  }

  floats = (name: string, values: readonly number[]) => this.constant(name, Float32Array.from(values));

  integers = (name: string, values: readonly number[]) =>
    this.constant(name, BigInt64Array.from(values, BigInt));

  /** All nodes; the output of the last one is called `name`. */
  endingIn(name: string): OnnxNode[] {
    return [...this.nodes.slice(0, -1), { ...this.nodes.at(-1)!, outputs: [name] }];
  }

  private constant(name: string, data: Float32Array | BigInt64Array): string {
    this.constants.set(name, { name, shape: [data.length], data });
    return name;
  }
}
