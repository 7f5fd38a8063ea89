/** Describes adapters. */

/** An adapter's description of itself. */
export interface AdapterDescription {
  /** As `GPUAdapterInfo` has it; empty where the browser hides it, like the other three. */
  readonly vendor: string;
  /** A family of GPUs. */
  readonly architecture: string;
  /** The model, by the vendor's own code. */
  readonly device: string;
  /** The model, for people. */
  readonly description: string;
  /** Runs on the CPU (SwiftShader, llvmpipe, WARP): fine for checks, meaningless as GPU speed. */
  readonly software: boolean;
}

/** @internal */
export function describeAdapter(info: GPUAdapterInfo | undefined): AdapterDescription {
  // Older browsers and Safari 26.0 (onnxruntime#26480) have no adapterInfo on the device.
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {};
  const software =
    info?.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|software|warp/i.test(`${architecture} ${device} ${description}`);
  return { vendor, architecture, device, description, software };
}

/** The adapter's name for itself; empty if it gives none. */
export const adapterName = ({ vendor, architecture, device, description }: AdapterDescription): string =>
  description || [vendor, architecture, device].filter(Boolean).join(' ');
