/** The requirements of this engine for a device, and a request for one. */

import { checkObject, EngineError, wrongArgument, wrongType } from '../base/errors';
import { frozen } from '../base/frozen';
import { loaded } from '../base/load';
import { watch } from '../base/time';

/**
 * The features and limits that a device must offer. Nothing here exceeds WebGPU's default limits, so any device will do; an app that
 * requests its own device can merge these into `requiredLimits`.
 */
export const requirements = /* @__PURE__ */ frozen({
  limits: {
    maxStorageBuffersPerShaderStage: 8,
    maxComputeInvocationsPerWorkgroup: 128,
    maxComputeWorkgroupSizeX: 64,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBufferBindingSize: 128 * 1024 * 1024,
  },
  /** Used if the device has them, never required. */
  optionalFeatures: ['subgroups', 'timestamp-query'],
  /** Requested as high as the adapter offers: large batches and images need large buffers. */
  optionalLimits: ['maxStorageBufferBindingSize', 'maxBufferSize'],
} as const);

/** Throws `no-webgpu` if the globals of WebGPU are missing: Node can have a GPU object or a device without them. */
export async function checkGlobals(): Promise<void> {
  if (typeof GPUBufferUsage === 'undefined') throw (await loaded(import('./no_device'))).noGlobals();
}

/** Throws an `argument` error unless `gpu` can request an adapter, and `powerPreference` is legal. */
export function checkRequest(gpu: unknown, { powerPreference }: GPURequestAdapterOptions): void {
  if (gpu !== undefined && typeof (gpu as GPU | null)?.requestAdapter !== 'function') {
    throw wrongType('gpu', gpu, 'what offers adapters: navigator.gpu, or create([]) of the package webgpu');
  }
  if (powerPreference === undefined || ['low-power', 'high-performance'].includes(powerPreference)) return;
  throw wrongArgument('powerPreference', powerPreference, 'low-power or high-performance');
}

/** Maximum time of a browser's or driver's answer. */
const ANSWER_SECONDS = 10;

/** Settles as `asked` does; throws `no-adapter` if that takes too long. `drop` gets a late result. */
function answer<T>(asked: Promise<T>, what: string, drop: (late: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    watch(asked, ANSWER_SECONDS, () => {
      asked.then(drop, () => {});
      loaded(import('./no_device')).then(({ noAnswer }) => reject(noAnswer(what, ANSWER_SECONDS)), reject);
    }).then(resolve, reject);
  });
}

/** A device and its adapter. */
interface DeviceOfAdapter {
  /** The device; the caller owns and destroys it. */
  readonly device: GPUDevice;
  /** The adapter, which cannot give another device. */
  readonly adapter: GPUAdapter;
}

/** Requests a device from a new adapter, with the optional features and limits or without. Rejects as the browser does, or with `no-adapter`. */
async function ask(
  gpu: GPU,
  options: GPURequestAdapterOptions,
  withFeatures: boolean,
  withLimits: boolean,
): Promise<DeviceOfAdapter> {
  const adapter = await answer(gpu.requestAdapter(options), 'requestAdapter', () => {});
  if (!adapter) throw (await loaded(import('./no_device'))).noAdapter();
  const features = withFeatures ? requirements.optionalFeatures.filter((f) => adapter.features.has(f)) : [];
  const limits = withLimits ? requirements.optionalLimits : [];
  const asked = adapter.requestDevice({
    label: 'webgpu-diffusion',
    requiredFeatures: features,
    requiredLimits: Object.fromEntries(limits.map((l) => [l, adapter.limits[l]])),
  });
  return { device: await answer(asked, 'requestDevice', (late) => late.destroy()), adapter };
}

/**
 * Requests a device from `gpu`, with the optional features and limits that its adapter has; if that is rejected, without the limits; then
 * also without the features. Throws `no-webgpu`, `no-adapter` or `argument`.
 */
export async function requestDevice(
  gpu: GPU | undefined = (globalThis.navigator as Navigator | undefined)?.gpu,
  options: GPURequestAdapterOptions = { powerPreference: 'high-performance' },
): Promise<DeviceOfAdapter> {
  checkObject('options', options, "{ powerPreference: 'low-power' }");
  checkRequest(gpu, options);
  if (!gpu) throw (await loaded(import('./no_device'))).noWebGPU();
  try {
    return await ask(gpu, options, true, true);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { askForLess } = await loaded(import('./no_device'));
    return askForLess(error, (withFeatures) => ask(gpu, options, withFeatures, false));
  }
}
