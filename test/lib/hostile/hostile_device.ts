/**
 * A device whose driver treats shaders badly, in ways that drivers have. `failing_device.ts` lets calls fail, one at a time; this one lets
 * kernels fail, every time.
 */

/** What is done to which shaders. */
export interface Hostility {
  /** Whether the driver refuses the pipeline of a shader of this name. */
  readonly refuses?: (shader: string) => boolean;
  /** Until when the driver takes longer for a shader's pipeline, if it does. */
  readonly delays?: (shader: string) => Promise<void> | undefined;
  /** The same for word of the end of a submission. */
  readonly delaysWork?: () => Promise<void> | undefined;
  /** The same for every answer of the device. */
  readonly delaysAnswers?: () => Promise<void> | undefined;
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

/** Adam's steps go the wrong way. */
export const wrongAdam: Hostility = {
  rewrites: (shader, text) => (shader === 'adam' ? text.replace(') - change', ') + change') : text),
};

/** A wait that a test begins and ends, for `delaysWork` and `delaysAnswers`. */
export function silence() {
  let silent: Promise<void> | undefined;
  let end = () => {};
  return {
    until: () => silent,
    begin() {
      silent = new Promise((resolve) => {
        end = () => {
          silent = undefined;
          resolve();
        };
      });
    },
    end: () => end(),
  };
}

/** Waits that all fail when they are ended, as those for a device do that is destroyed. */
function waits() {
  const fails = new Set<(error: Error) => void>();
  const wait = (delay: Promise<void> | undefined) =>
    new Promise<void>((resolve, reject) => {
      fails.add(reject);
      resolve(delay);
    });
  const end = () => {
    for (const fail of fails) fail(new Error('the device is hostile no more'));
  };
  return { wait, end };
}

/** Makes a device hostile until the result is disposed of. */
export function makeHostile(
  device: GPUDevice,
  { refuses, delays, delaysAnswers, delaysWork = delaysAnswers, rewrites, adapterInfo }: Hostility,
): Hostile {
  const asked = new Set<string>();
  const { wait, end } = waits();
  const createShaderModule = device.createShaderModule.bind(device);
  const createComputePipelineAsync = device.createComputePipelineAsync.bind(device);
  const hostile = {
    createShaderModule({ label = '', code, ...rest }: GPUShaderModuleDescriptor): GPUShaderModule {
      asked.add(label);
      return createShaderModule({ ...rest, label, code: rewrites?.(label, code) ?? code });
    },
    async createComputePipelineAsync(descriptor: GPUComputePipelineDescriptor): Promise<GPUComputePipeline> {
      // As Metal and Vulkan do it: the text is legal, and what becomes of it fails in the driver.
      const shader = descriptor.label ?? '';
      if (refuses?.(shader)) throw new GPUPipelineError(REFUSAL, { reason: 'internal' });
      if (delays) await wait(delays(shader));
      if (delaysAnswers) await wait(delaysAnswers());
      return createComputePipelineAsync(descriptor);
    },
    ...(adapterInfo ? { adapterInfo } : {}),
    ...(delaysAnswers ? silentAnswers(device, () => wait(delaysAnswers())) : {}),
  };
  const restore = [replaceMembers(device, hostile)];
  if (delaysWork) {
    const { queue } = device;
    const done = queue.onSubmittedWorkDone.bind(queue);
    const onSubmittedWorkDone = () => done().then(() => wait(delaysWork()));
    restore.push(replaceMembers(queue, { onSubmittedWorkDone }));
  }
  return {
    asked,
    [Symbol.dispose]() {
      end();
      for (const each of restore) each();
    },
  };
}

/** Calls of a device that answer when `wait` has resolved. */
function silentAnswers(device: GPUDevice, wait: () => Promise<void>) {
  const popErrorScope = device.popErrorScope.bind(device);
  const createBuffer = device.createBuffer.bind(device);
  return {
    async popErrorScope() {
      const error = await popErrorScope();
      await wait();
      return error;
    },
    createBuffer(descriptor: GPUBufferDescriptor) {
      const buffer = createBuffer(descriptor);
      const mapAsync = buffer.mapAsync.bind(buffer);
      const value = async (...args: Parameters<typeof mapAsync>) => {
        await mapAsync(...args);
        await wait();
      };
      return Object.defineProperty(buffer, 'mapAsync', { value, configurable: true });
    },
  };
}

/** A GPU whose devices are hostile. */
export const hostileGpu = (hostility: Hostility, gpu: GPU = navigator.gpu) =>
  ({
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = (await gpu.requestAdapter(options))!;
      const requestDevice = adapter.requestDevice.bind(adapter);
      const value = async (descriptor: GPUDeviceDescriptor) => {
        const device = await requestDevice(descriptor);
        makeHostile(device, hostility);
        return device;
      };
      return Object.defineProperty(adapter, 'requestDevice', { value, configurable: true });
    },
  }) as GPU;

/** Puts others in place of an object's members. Returns what takes them back. */
function replaceMembers(object: object, members: object): () => void {
  const before = Object.keys(members).map(
    (name) => [name, Object.getOwnPropertyDescriptor(object, name)] as const,
  );
  for (const [name, value] of Object.entries(members))
    Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    for (const [name, own] of before) {
      if (own) Object.defineProperty(object, name, own);
      else Reflect.deleteProperty(object, name);
    }
  };
}
export const MAIN = /\bfn main\(((?:[^()]|\([^()]*\))*)\)\s*\{/;
