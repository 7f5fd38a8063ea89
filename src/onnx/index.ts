/** Exports networks for ONNX Runtime and other readers of ONNX. */
import { argumentError, show, typeName, wrongArgument, wrongType } from '../base/errors';
import type { Objective } from '../training/step_config';
import { checkConfig, listParameters, type Parameter, type UNetConfig } from '../unet/config';
import type { Sampling } from '../unet/sampling';
import { checkTeacherField, dataField, isObjective, OBJECTIVES, samplingField } from '../weights/fields';
import type { DataFingerprint } from '../weights/fingerprint';
import { toPyTorch } from '../weights/layout';
import { checkTensors } from '../weights/match';
import type { Tensor } from '../weights/safetensors';
import { buildGraph, OPSET } from './network';
import { encodeModel } from './proto';

/** A network with its weights: the result of `loadModel` or `loadPretrained`, or `unet.config` and `await unet.getParameters()`. */
interface OnnxSource {
  /** The network. */
  readonly config: UNetConfig;
  /** The parameters by name, in the engine's layout. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** The objective that the network was trained for, which decides how to sample; for the file's metadata. Default `tutorial`. */
  readonly objective?: Objective | undefined;
  /** The network's sampling, for the metadata. */
  readonly sampling?: Sampling | undefined;
  /** The fingerprint of a distilled network's teacher, for the metadata. */
  readonly teacher?: string | undefined;
  /** The images that the network was trained on, for the metadata. */
  readonly data?: DataFingerprint | undefined;
}

/** The most bytes of a file: a limit of its format. */
const MOST = 2 ** 31 - 1;

/**
 * Returns the bytes of an ONNX file of the network: operator set 13, weights in float32 inside, named and ordered as in PyTorch.
 *
 * | | name | type | shape |
 * |---|---|---|---|
 * | input | `images` | float32 | [count, channels, height, width] |
 * | input, if conditioned on the noise level | `levels` | float32, 0 to 1 | [count] |
 * | input, if it has classes | `labels` | int64, 0 to classes - 1, or classes for none | [count] |
 * | output | `prediction` | float32 | [count, output channels, height, width] |
 *
 * `count` is free. The metadata of the file has `config`, as JSON, and `objective`; if the source has them, `sampling` and `data`, as JSON,
 * and `teacher`. The same network gives the same bytes.
 *
 * @throws EngineError `argument` for a wrong configuration, parameters of another network, or a file over 2 GB; `data` for parameters that
 * are not finite
 */
export function exportOnnx(source: OnnxSource): Uint8Array<ArrayBuffer> {
  if (typeName(source) !== 'Object' || typeName(source.parameters) !== 'Map') {
    throw argumentError(
      `exportOnnx takes { config, parameters } with a Map of parameters by name, such as loadModel returns; it was given ${typeName(source)}.`,
    );
  }
  const { objective = 'tutorial', sampling, teacher, data } = source;
  if (!isObjective(objective)) throw wrongArgument('objective', objective, OBJECTIVES);
  checkTeacherField(teacher, wrongArgument);
  const config = checkConfig(source.config);
  const { parameters, size } = listParameters(config);
  checkFloats(source.parameters);
  checkTensors(parameters, shaped(parameters, source.parameters), 'The parameters', 'argument');
  if (size * 4 > MOST) {
    throw argumentError(
      `The weights take ${size * 4} bytes; an ONNX file has at most ${MOST}. Export a smaller network.`,
    );
  }
  const weights = parameters.map((parameter) => toPyTorch(parameter, source.parameters.get(parameter.name)!));
  return encodeModel({
    name: 'UNet',
    opset: OPSET,
    graph: buildGraph(config, weights),
    metadata: {
      config: JSON.stringify(config),
      objective,
      ...samplingField(sampling),
      ...(teacher ? { teacher } : {}),
      ...dataField(data),
    },
  });
}

/** Throws an `argument` error for parameters that are no 32-bit floats. */
function checkFloats(given: ReadonlyMap<unknown, unknown>): void {
  for (const [name, data] of given) {
    if (typeName(data) === 'Float32Array') continue;
    throw wrongType(`The parameter ${show(name)}`, data, 'a Float32Array');
  }
}

/** The given flat parameters, with the shapes of the network's. */
function shaped(
  parameters: readonly Parameter[],
  given: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, Tensor> {
  const known = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  return new Map(
    [...given].map(([name, data]) => {
      const parameter = known.get(name);
      const shape = parameter?.size === data.length ? parameter.shape : [data.length];
      return [name, { shape, data }];
    }),
  );
}
