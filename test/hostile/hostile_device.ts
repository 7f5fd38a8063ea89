/**
 * A device whose driver treats shaders badly, in ways that drivers have. `failing_device.ts` lets calls fail, one at a time; this one lets
 * kernels fail, every time.
 */

/** What is done to which shaders. */
export interface Hostility {
  /** Whether the driver refuses the pipeline of a shader of this name. */
  readonly refuses?: (shader: string) => boolean;
  /** What the driver makes of a shader's text. */
  readonly rewrites?: (shader: string, text: string) => string;
  /** What the device says of its adapter. */
  readonly adapterInfo?: Partial<GPUAdapterInfo>;
}

export interface Hostile extends Disposable {
  /** The shaders that the device was asked for, by name. */
  readonly asked: ReadonlySet<string>;
}

export const REFUSAL = 'a planted refusal';

/** What a GPU says of itself, which the kernels for GPUs are made for. */
export const someGpu = { vendor: 'maker', architecture: '', device: 'card', description: '' };

/** Makes a device hostile until the result is disposed of. */
export function makeHostile(device: GPUDevice, { refuses, rewrites, adapterInfo }: Hostility): Hostile {
  const asked = new Set<string>();
  const createShaderModule = device.createShaderModule.bind(device);
  const createComputePipelineAsync = device.createComputePipelineAsync.bind(device);
  const hostile = {
    createShaderModule({ label = '', code, ...rest }: GPUShaderModuleDescriptor): GPUShaderModule {
      asked.add(label);
      return createShaderModule({ ...rest, label, code: rewrites?.(label, code) ?? code });
    },
    async createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor): Promise<GPUComputePipeline> {
      // As Metal and Vulkan do it: the text is legal, and what becomes of it fails in the driver.
      if (refuses?.(descriptor.label ?? '')) throw new GPUPipelineError(REFUSAL, { reason: 'internal' });
      return createComputePipelineAsync(descriptor);
    },
    ...(adapterInfo ? { adapterInfo } : {}),
  };
  const before = Object.keys(hostile).map(
    (name) => [name, Object.getOwnPropertyDescriptor(device, name)] as const,
  );
  for (const [name, value] of Object.entries(hostile))
    Object.defineProperty(device, name, { value, configurable: true, writable: true });
  return {
    asked,
    [Symbol.dispose]() {
      for (const [name, own] of before) {
        if (own) Object.defineProperty(device, name, own);
        else Reflect.deleteProperty(device, name);
      }
    },
  };
}
