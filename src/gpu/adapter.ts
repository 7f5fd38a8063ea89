/** What adapters say about themselves. */

/** What an adapter says about itself. */
export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Runs on the CPU (SwiftShader, llvmpipe, WARP): fine for checks, meaningless as GPU speed. */
  readonly software: boolean;
}

/** @internal */
export function describeAdapter(info: GPUAdapterInfo | undefined): AdapterDescription {
  // Older browsers have no adapterInfo on the device.
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  const software =
    info?.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|software|warp/i.test(`${architecture} ${device} ${description}`);
  return { vendor, architecture, device, description, software };
}

/** What an adapter calls itself; empty where it does not say. */
export const ownName = ({ vendor, architecture, device, description }: AdapterDescription): string =>
  description || [vendor, architecture, device].filter(Boolean).join(' ');
