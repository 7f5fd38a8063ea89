/** What this engine requires of a device, and how to request one. */
import { EngineError } from '../errors';

/**
 * What a device must offer. Nothing here exceeds WebGPU's default limits, so any device will do; an app that requests its own device can
 * merge these into `requiredLimits`.
 */
export const requirements = {
  limits: {
    maxStorageBuffersPerShaderStage: 8,
    maxComputeInvocationsPerWorkgroup: 128,
    maxComputeWorkgroupSizeX: 64,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeWorkgroupsPerDimension: 65535,
    maxStorageBufferBindingSize: 128 * 1024 * 1024,
  },
  /** Used if the device has them, never required. */
  optionalFeatures: ['subgroups', 'timestamp-query'] as const,
  /** Requested as high as the adapter offers: large batches and images need large buffers. */
  optionalLimits: ['maxStorageBufferBindingSize', 'maxBufferSize'] as const,
} as const;

const inNode =
  "in Node, install the package `webgpu`, put its globals in place (import { create, globals } from 'webgpu'; Object.assign(globalThis, globals)), and pass its GPU object, create([]), as { gpu }.";

/** Throws `no-webgpu` if the globals of WebGPU are missing: Node can have a GPU object or a device without them. */
export function checkGlobals(): void {
  if (typeof GPUBufferUsage !== 'undefined') return;
  throw new EngineError(
    'no-webgpu',
    `This runtime lacks the globals of WebGPU (GPUBufferUsage is not defined): ${inNode}`,
  );
}

/** Requests a device from `gpu`, with the optional features and limits that its adapter has. Throws `no-webgpu` or `no-adapter`. */
export async function requestDevice(
  gpu: GPU | undefined = (globalThis.navigator as Navigator | undefined)?.gpu,
  options: GPURequestAdapterOptions = { powerPreference: 'high-performance' },
): Promise<{ device: GPUDevice; adapter: GPUAdapter }> {
  if (!gpu) {
    const insecure = globalThis.isSecureContext === false;
    throw new EngineError(
      'no-webgpu',
      insecure
        ? 'WebGPU is hidden because this page is not a secure context. Open it over https:// or from localhost.'
        : `This runtime has no WebGPU (navigator.gpu is missing). Use a recent Chrome, Edge, Firefox or Safari; ${inNode}`,
    );
  }
  const adapter = await gpu.requestAdapter(options);
  if (!adapter) {
    throw new EngineError(
      'no-adapter',
      'WebGPU is present, but no adapter was found. Update the graphics driver, or enable hardware acceleration; on Linux, Chrome may need --enable-unsafe-webgpu and a Vulkan driver (Mesa provides one in software).',
    );
  }
  const device = await adapter.requestDevice({
    label: 'webgpu-diffusion',
    requiredFeatures: requirements.optionalFeatures.filter((f) => adapter.features.has(f)),
    requiredLimits: Object.fromEntries(requirements.optionalLimits.map((l) => [l, adapter.limits[l]])),
  });
  return { device, adapter };
}
