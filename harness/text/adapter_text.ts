/** Names of adapters for people. Shared by the page and the command line. */
import type { AdapterDescription } from '../../src/gpu/adapter';

const vendors: Readonly<Record<string, string>> = {
  nvidia: 'NVIDIA',
  amd: 'AMD',
  intel: 'Intel',
  apple: 'Apple',
  arm: 'Arm',
  qualcomm: 'Qualcomm',
  google: 'Google',
  mesa: 'Mesa',
  microsoft: 'Microsoft',
};

/** Software adapters, spelled as their makers spell them. */
const architectures: Readonly<Record<string, string>> = {
  swiftshader: 'SwiftShader',
  llvmpipe: 'llvmpipe',
  lavapipe: 'lavapipe',
  warp: 'WARP',
};

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** The adapter's own name; browsers mostly reveal a vendor and an architecture, both in lower case, or nothing. */
export function adapterLabel(adapter: AdapterDescription): string {
  const { vendor, architecture, device, description, software } = adapter;
  if (description) return description;
  const parts = [
    vendors[vendor] ?? capitalised(vendor),
    architectures[architecture] ?? architecture.split('-').map(capitalised).join(' '),
    // A PCI number means nothing to people.
    /^(0x)?[0-9a-f]*$/i.test(device) ? '' : device,
  ];
  return parts.filter(Boolean).join(' ') || (software ? 'Unnamed software adapter' : 'Unnamed adapter');
}

/** One line: the adapter's name, and whether it is a real GPU. */
export function adapterText(adapter: AdapterDescription): string {
  const name = adapterLabel(adapter);
  return adapter.software ? `${name} (software, on the CPU: its speed says nothing about GPUs)` : name;
}
