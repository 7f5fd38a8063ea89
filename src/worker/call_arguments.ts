/** Checks of the arguments that a client sends. */
import { type ByteContainer, bytesOf, isBytes } from '../base/bytes';
import { checkObject } from '../base/errors';
import { checkConfig, defaultConfig, type UNetConfig } from '../unet/config';
import { loadModel, type Model } from '../weights/model';
import type { BeginOptions } from './protocol';
import type { Trained } from './run';

/** The network of a run; missing fields of a configuration are the tutorial's. */
export function networkOf(network: BeginOptions['network'] = {}): UNetConfig | Trained {
  checkObject('network', network, '{ height: 28, width: 28 }, or a model');
  if ('parameters' in network) return network;
  return checkConfig({ ...defaultConfig, ...network });
}

export function modelOf(model: Model | ByteContainer): Model {
  if (isBytes(model)) return loadModel(model);
  checkObject('The model', model, 'what loadModel returns, or the bytes of its file');
  return model;
}

export const checkpointOf = (from: ByteContainer) =>
  bytesOf(from, 'from', ', or the id of a stored run') as Uint8Array<ArrayBuffer>;
