/** Watches the devices that libraries request: all must come from one adapter, and none may report errors. */

export interface SeenDevice {
  readonly adapter: string;
  /** Errors that no scope caught: with them, the timings do not measure the requested work. */
  readonly errors: string[];
}

/** Returns a list that grows with every device requested from now on. */
export async function watchDevices(): Promise<readonly SeenDevice[]> {
  const seen: SeenDevice[] = [];
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('WebGPU is here, but it has no adapter.');
  const prototype = Object.getPrototypeOf(adapter) as GPUAdapter;
  const requestDevice = prototype.requestDevice;
  prototype.requestDevice = async function (this: GPUAdapter, descriptor = {}) {
    // TensorFlow.js 4.22 passes a list inside the list of features. A browser accepts that as the name in it, Dawn in Node does not.
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].flat() as GPUFeatureName[];
    const device = await requestDevice.call(this, { ...descriptor, requiredFeatures });
    const { vendor, architecture, device: model, description } = this.info;
    const errors: string[] = [];
    device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
    seen.push({ adapter: [vendor, architecture, model, description].filter(Boolean).join(' '), errors });
    return device;
  };
  return seen;
}
