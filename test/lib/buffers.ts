/** What an engine leaves on a device. */
import { vi } from 'vitest';

/** The labels of the buffers that were created since and not destroyed. */
export function watchBuffers(device: GPUDevice): () => string[] {
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
  return () => [...alive].map(({ label }) => label);
}
