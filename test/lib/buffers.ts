/** What an engine leaves on a device. */
import { vi } from 'vitest';

/** The buffers that were created since and not destroyed. */
export function aliveBuffers(device: GPUDevice): ReadonlySet<GPUBuffer> {
  const createBuffer = device.createBuffer.bind(device);
  const alive = new Set<GPUBuffer>();
  vi.spyOn(device, 'createBuffer').mockImplementation((descriptor) => {
    const buffer = createBuffer(descriptor);
    alive.add(buffer);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      alive.delete(buffer);
      destroy();
    };
    return buffer;
  });
  return alive;
}

/** Their labels. */
export function watchBuffers(device: GPUDevice): () => string[] {
  const alive = aliveBuffers(device);
  return () => [...alive].map(({ label }) => label);
}
