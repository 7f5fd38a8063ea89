/** Checks the arguments of a trainer's methods. */

import {
  argumentError,
  checkInteger,
  checkObject,
  dataError,
  EngineError,
  nonFinite,
  typeName,
  wrongType,
} from '../base/errors';
import type { Warning } from '../base/events';
import type { Dataset } from '../data/dataset';
import { countOutChannels, type UNetConfig } from '../unet/config';
import type { NetworkWeights } from '../unet/network';
import type { UNet } from '../unet/unet';
import { type EpochParts, stepsPerEpoch } from './epoch';
import type { OptimizerState } from './options';
import type { AdamConfig, StepConfig } from './step_config';

type Flat = Float32Array<ArrayBuffer>;

/** The checked parts of a state, laid out like the flat parameters. */
export interface CheckedState {
  readonly moment1: Flat;
  readonly moment2: Flat;
  readonly weights?: Flat;
}

/** Throws unless `dataset` is on `device` and not destroyed, and a network of `config` can be trained on it. */
export function checkDataset(dataset: Dataset, device: GPUDevice, config: UNetConfig): void {
  dataset?.check?.();
  if (dataset?.device !== device) {
    throw argumentError(
      "This is not a data set on this trainer's device. Bring the images there with createDataset of an engine on it.",
    );
  }
  checkTrainable(dataset, config);
}

/** Throws unless a network of `config` can be trained on the images of `dataset`, and on their labels if it is conditioned on classes. */
export function checkTrainable(dataset: Dataset, config: UNetConfig): void {
  const { height, width, channels, conditioning } = config;
  if (dataset.height !== height || dataset.width !== width || dataset.channels !== channels) {
    throw dataError(
      `The data set has images of ${dataset.height}x${dataset.width}x${dataset.channels}; this UNet takes ${height}x${width}x${channels}. Create the UNet with that size, or load other images.`,
    );
  }
  if (countOutChannels(config) !== channels) {
    throw argumentError(
      `This UNet makes ${countOutChannels(config)} channels of ${channels}; a data set trains one that makes as many as it takes. Give batches of your own to step().`,
    );
  }
  const classes = conditioning?.classes ?? 0;
  if (classes === 0) return;
  const { maxLabel } = dataset;
  if (maxLabel === undefined) {
    throw dataError(
      `This UNet is conditioned on ${classes} classes, and the data set has no labels. Give createDataset labels, one byte an image, beside images.`,
    );
  }
  if (maxLabel >= classes) {
    throw dataError(
      `The data set has a label ${maxLabel}; this UNet has ${classes} classes, 0 to ${classes - 1}. Create it with conditioning: { classes: ${maxLabel + 1} }, or give other labels.`,
    );
  }
}

/** Throws unless a step is left of `epochs` after `step` completed ones. */
export function checkEpochs(epochs: number, step: number, parts: EpochParts): void {
  const done = Math.floor(step / stepsPerEpoch(parts));
  if (done < epochs) return;
  throw argumentError(
    `epochs is ${epochs}, and ${done === 1 ? '1 is' : `${done} are`} complete (${step} steps); it counts from the first step. Give ${done + 1} or more.`,
  );
}

/** The moments of a state, laid out like the flat parameters. Throws an `argument` error unless a trainer can continue from the state. */
export function checkState(
  state: OptimizerState,
  { adam, average }: StepConfig,
  unet: Pick<NetworkWeights, 'plan' | 'parameters'>,
): CheckedState {
  checkObject('The state', state, 'what getState gave');
  checkInteger('step', state.step, 0);
  const show = (adam: Partial<AdamConfig> | null | undefined) =>
    `beta1 ${adam?.beta1}, beta2 ${adam?.beta2}, epsilon ${adam?.epsilon}, weightDecay ${adam?.weightDecay ?? 0}`;
  if (show(state.adam) !== show(adam)) {
    throw argumentError(
      `The state was made with ${show(state.adam)}; this trainer has ${show(adam)}. Create one with { ...state.adam }.`,
    );
  }
  if (state.corrections?.length !== 2) {
    throw argumentError(
      `corrections has ${state.corrections?.length ?? 'no'} values; it must have the 2 that getState gave.`,
    );
  }
  // In 32-bit floats, the recurrence ends a little above 1 for some betas.
  const wrong = state.corrections.findIndex((c) => !(c >= 0 && c < 1.1));
  if (wrong >= 0) {
    throw argumentError(
      `corrections[${wrong}] is ${state.corrections[wrong]}; it must be the number from 0 to 1 that getState gave.`,
    );
  }
  if (state.weights && !average) {
    throw argumentError(
      'The state has trained weights beside their average, and this trainer has no average. Create one with average: {}.',
    );
  }
  const flat = (name: FlatName) => flatOf(state, name, unet);
  return {
    moment1: flat('moment1'),
    moment2: flat('moment2'),
    ...(state.weights ? { weights: flat('weights') } : {}),
  };
}

type FlatName = 'moment1' | 'moment2' | 'weights';

/** The values of one of a state's maps, laid out like the flat parameters. Throws an `argument` error unless it has each, and legal ones. */
function flatOf(
  state: OptimizerState,
  name: FlatName,
  { plan, parameters }: Pick<NetworkWeights, 'plan' | 'parameters'>,
): Flat {
  if (typeName(state[name]) !== 'Map') {
    throw wrongType(name, state[name], 'a Map of values by parameter name, as getState gives it');
  }
  const values = new Float32Array(plan.flat.size);
  for (const p of parameters) {
    const given = state[name]!.get(p.name);
    if (given?.length !== p.size) {
      throw argumentError(
        `${name} of ${p.name} has ${given?.length ?? 'no'} values; this network needs ${p.size}.`,
      );
    }
    const problem = nonFinite(given) ?? impossible(name, given);
    if (problem) throw argumentError(`${name} of ${p.name} ${problem}. Take another state.`);
    values.set(given, p.offset);
  }
  return values;
}

/** Finds a moment that Adam cannot make from gradients with finite squares; the weights would not stay finite with it. */
function impossible(name: string, values: Float32Array): string | undefined {
  const legal = (value: number) =>
    name === 'moment1' ? Math.abs(value) < 2 ** 64 : name !== 'moment2' || value >= 0;
  const at = values.findIndex((value) => !legal(value));
  return at < 0 ? undefined : `is not what a step leaves: value ${at} of ${values.length} is ${values[at]}`;
}

export const busyError = () =>
  new EngineError(
    'busy',
    'This trainer is in the middle of a step or a fit. Await the step; finish the loop of the fit or call return() of its iterator. An abort alone ends a fit only when its next event is asked for.',
  );

/** Marks a distilled network as not distilled, since it will be trained further, and warns. */
export function forgetTeacher(unet: UNet, onWarning: (warning: Warning) => void): void {
  const { calls } = unet.sampling ?? {};
  if (calls === undefined) return;
  unet.forgetTeacher();
  const message = `The network was distilled to ${calls === 1 ? '1 call' : `${calls} calls`}. Trained on, it is so no more: it takes as many steps as others.`;
  onWarning({ code: 'distilled', message });
}
