/** A GPU whose devices can be lost. */
import { gate } from '../gate';

export interface LosableGpu {
  readonly gpu: GPU;
  /** Loses the last device, as a driver that crashes does. */
  lose(): void;
  /** The last device no more says that work has ended, or only when that is too late: at `answer`. */
  silence(): void;
  answer(): void;
  /** All devices that there were. */
  readonly devices: readonly GPUDevice[];
  /** The devices that were destroyed, but not by `lose`. */
  readonly destroyed: ReadonlySet<GPUDevice>;
  /** The next `times` requests get no adapter. */
  refuse(times: number): void;
}

/** `made` gets each device. */
export function losableGpu(made: (device: GPUDevice) => void = () => {}): LosableGpu {
  let loseLast = () => {};
  let refused = 0;
  const devices: GPUDevice[] = [];
  const destroyed = new Set<GPUDevice>();
  const late = gate();
  const losable = (device: GPUDevice) => {
    devices.push(device);
    const destroy = device.destroy.bind(device);
    device.destroy = () => {
      destroyed.add(device);
      destroy();
    };
    const { open, opened } = gate<GPUDeviceLostInfo>();
    loseLast = () => {
      open({ reason: 'unknown', message: 'A test has lost it.' } as GPUDeviceLostInfo);
      destroy();
    };
    Object.defineProperty(device, 'lost', { value: opened });
    made(device);
    return device;
  };
  const { gpu } = navigator;
  return {
    gpu: {
      async requestAdapter(options?: GPURequestAdapterOptions) {
        if (refused-- > 0) return null;
        const adapter = await gpu.requestAdapter(options);
        const requestDevice = adapter?.requestDevice.bind(adapter);
        return (
          adapter &&
          Object.defineProperty(adapter, 'requestDevice', {
            configurable: true,
            value: async (descriptor: GPUDeviceDescriptor) => losable(await requestDevice!(descriptor)),
          })
        );
      },
    } as GPU,
    lose: () => loseLast(),
    silence() {
      devices.at(-1)!.queue.onSubmittedWorkDone = () => late.opened as Promise<undefined>;
    },
    answer: () => late.open(),
    devices,
    destroyed,
    refuse: (times) => {
      refused = times;
    },
  };
}
