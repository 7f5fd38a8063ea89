/** What a client gives, checked. */
import { checkObject, EngineError, typeOf } from '../errors';
import { checkConfig, defaultConfig, type UNetConfig } from '../unet/config';
import { loadModel, type Model } from '../weights/model';
import type { BeginOptions } from './protocol';
import type { Trained } from './run';

/** The network of a run: what is left out of a configuration is the tutorial's. */
export function networkOf(network: BeginOptions['network'] = {}): UNetConfig | Trained {
  checkObject('network', network, '{ height: 28, width: 28 }, or a model');
  if ('parameters' in network) return network;
  return checkConfig({ ...defaultConfig, ...network });
}

export function modelOf(model: Model | Uint8Array): Model {
  return model instanceof Uint8Array ? loadModel(model) : model;
}

export function checkpointOf(from: unknown): Uint8Array<ArrayBuffer> {
  if (from instanceof Uint8Array) return from as Uint8Array<ArrayBuffer>;
  throw new EngineError(
    'argument',
    `from is of type ${typeOf(from)}; it must be a checkpoint's bytes, a Uint8Array, or the id of a run that the browser keeps.`,
  );
}
