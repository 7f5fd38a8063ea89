/**
 * Writes the messages of ONNX that a network needs: fields have the numbers of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 */

import { PbfWriter } from 'pbf';
import { isFloats } from '../base/arrays';

/** Row-major. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Numbers are whole. */
export type Attribute = number | readonly number[] | string;

/** An input or output; a dimension with a name has any size. */
export interface OnnxValue {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly shape: readonly (number | string)[];
  readonly doc: string;
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

interface OnnxModel {
  readonly name: string;
  readonly opset: number;
  readonly graph: OnnxGraph;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The version of the format that came with operator set 13. */
const IR_VERSION = 7;
/** TensorProto.DataType */
const TYPES = { float: 1, int64: 7 };
/** AttributeProto.AttributeType */
const ATTRIBUTES = { int: 2, string: 3, ints: 7 };

export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  writeModel(model, pbf);
  return new Uint8Array(pbf.finish());
}

function writeModel({ name, opset, graph, metadata }: OnnxModel, pbf: PbfWriter): void {
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, 'webgpu-diffusion');
  pbf.writeMessage(7, writeGraph, { ...graph, name });
  pbf.writeMessage(8, (version, pbf) => pbf.writeVarintField(2, version), opset);
  for (const entry of Object.entries(metadata)) pbf.writeMessage(14, writeEntry, entry);
}

function writeEntry([key, value]: [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeGraph(
  { name, nodes, initializers, inputs, outputs }: OnnxGraph & { name: string },
  pbf: PbfWriter,
): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, name);
  for (const tensor of initializers) pbf.writeMessage(5, writeTensor, tensor);
  for (const value of inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode({ name, op, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, name);
  pbf.writeStringField(4, op);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
}

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, ATTRIBUTES.int);
  } else if (typeof value === 'string') {
    pbf.writeStringField(4, value);
    pbf.writeVarintField(20, ATTRIBUTES.string);
  } else {
    for (const item of value) pbf.writeVarintField(8, item);
    pbf.writeVarintField(20, ATTRIBUTES.ints);
  }
}

function writeTensor({ name, shape, data }: OnnxTensor, pbf: PbfWriter): void {
  for (const size of shape) pbf.writeVarintField(1, size);
  pbf.writeVarintField(2, isFloats(data) ? TYPES.float : TYPES.int64);
  pbf.writeStringField(8, name);
  // Little-endian, as are typed arrays wherever there is WebGPU.
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValue({ name, type, shape, doc }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, writeType, { type, shape });
  pbf.writeStringField(3, doc);
}

function writeType({ type, shape }: Pick<OnnxValue, 'type' | 'shape'>, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, { type, shape });
}

function writeTensorType({ type, shape }: Pick<OnnxValue, 'type' | 'shape'>, pbf: PbfWriter): void {
  pbf.writeVarintField(1, TYPES[type]);
  pbf.writeMessage(2, writeShape, shape);
}

function writeShape(shape: OnnxValue['shape'], pbf: PbfWriter): void {
  for (const size of shape) pbf.writeMessage(1, writeDimension, size);
}

function writeDimension(size: number | string, pbf: PbfWriter): void {
  if (typeof size === 'number') pbf.writeVarintField(1, size);
  else pbf.writeStringField(2, size);
}
