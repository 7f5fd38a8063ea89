/** Keeps track of the devices that libraries ask for: all must be of one adapter, and none may report errors. */

export interface SeenDevice {
  readonly device: GPUDevice;
  /** What its adapter calls itself. */
  readonly adapter: string;
  /** Errors that no scope caught: what was timed then is not what was asked for. */
  readonly errors: string[];
}

/** The list grows with every device that is asked for from now on. */
export async function watchDevices(): Promise<readonly SeenDevice[]> {
  const seen: SeenDevice[] = [];
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU is here, but it has no adapter.');
  const prototype = Object.getPrototypeOf(adapter) as GPUAdapter;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: GPUAdapter, descriptor = {}) {
    // TensorFlow.js 4.22 has a list within the list of features. A browser takes that for the name in it, Dawn in Node does not.
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].flat() as GPUFeatureName[];
    const device = await requestDevice.call(this, { ...descriptor, requiredFeatures });
    const { vendor, architecture, device: model, description } = this.info;
    const errors: string[] = [];
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    seen.push({
      device,
      adapter: [vendor, architecture, model, description].filter(Boolean).join(' '),
      errors,
    });
    return device;
  };
  return seen;
}
