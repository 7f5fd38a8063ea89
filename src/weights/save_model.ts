/** Writes a trained network's parameters as a file: see checkpoint.ts for the format. */
import { checkNames, type Names, wrongArgument, wrongType } from '../base/errors';
import type { Objective } from '../training/step_config';
import type { Sampling } from '../unet/sampling';
import type { UNet } from '../unet/unet';
import { isFloatType } from './encode';
import { checkTeacherField, dataField, isObjective, OBJECTIVES, samplingField } from './fields';
import type { DataFingerprint } from './fingerprint';
import { isLayout, LAYOUTS, toPyTorch, type WeightsLayout } from './layout';
import type { FloatType } from './safetensors';
import { encodeFinite, namedTensors } from './write';

/** A UNet, or an object with its weights. */
export interface Weights extends Pick<UNet, 'config' | 'parameters'> {
  /** As the UNet's. */
  readonly sampling?: Sampling | undefined;
  /** As the UNet's. */
  readonly teacher?: string | undefined;
  /** As a model's. */
  readonly data?: DataFingerprint | undefined;
  /** The parameters by name. */
  getParameters(): Promise<ReadonlyMap<string, Float32Array>>;
}

/**
 * Returns the bytes of a model file of this network, tensors in the order of its parameters.
 *
 * @param options.dtype `F16` halves the file and rounds weights to 11 bits; to continue training later, save a checkpoint. Default `F32`.
 * @param options.objective the training objective: `trainer.config.objective`. Default `tutorial`.
 * @param options.layout `pytorch` gives the tensors PyTorch's names and orders, for `load_state_dict` (docs/weights.md); `loadModel` reads
 * both. Default `keras`.
 * @param options.sampling defaults of sampling runs, for readers of the file. Default: `unet.sampling`.
 * @param options.data the images that the network was trained on: `fingerprintImages(images)`, or `model.data`. Default: none.
 * @throws EngineError `diverged` if weights are not finite, `argument` for another dtype, objective, layout, sampling or data, or weights
 * beyond the largest F16
 */
export async function saveModel(
  unet: Weights,
  options: {
    readonly dtype?: FloatType | undefined;
    readonly objective?: Objective | undefined;
    readonly layout?: WeightsLayout | undefined;
    readonly sampling?: Sampling | undefined;
    readonly data?: DataFingerprint | undefined;
  } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkWeights(unet);
  const names = { dtype: true, objective: true, layout: true, sampling: true, data: true } as const;
  checkNames('saveModel', options, names satisfies Names<typeof options>);
  const { dtype = 'F32', objective = 'tutorial', layout = 'keras' } = options;
  const { sampling = unet.sampling, data = unet.data } = options;
  if (!isObjective(objective)) throw wrongArgument('objective', objective, OBJECTIVES);
  if (!isFloatType(dtype)) throw wrongArgument('dtype', dtype, 'F32 or F16');
  checkTeacherField(unet.teacher, wrongArgument);
  if (!isLayout(layout)) throw wrongArgument('layout', layout, LAYOUTS);
  const values = await unet.getParameters();
  const parameters =
    layout === 'keras'
      ? namedTensors('', unet.parameters, values)
      : unet.parameters.map((parameter) => toPyTorch(parameter, values.get(parameter.name)!));
  const tensors = parameters.map((tensor) => ({ ...tensor, dtype }));
  return encodeFinite(tensors, {
    kind: 'model',
    config: JSON.stringify(unet.config),
    objective,
    ...samplingField(sampling),
    ...(sampling?.calls && unet.teacher ? { teacher: unet.teacher } : {}),
    ...dataField(data),
  });
}

/** Throws unless `given` is a network, or an object with its weights. */
function checkWeights(given: Weights): void {
  const isWhole = typeof given?.getParameters === 'function' && typeof given.config === 'object';
  if (isWhole && Array.isArray(given.parameters)) return;
  throw wrongType(
    'The network to save',
    given,
    'a UNet, or have config, parameters and getParameters as a UNet has',
  );
}
