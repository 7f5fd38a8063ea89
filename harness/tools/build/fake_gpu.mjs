/**
 * A GPU device on which nothing happens: everything can be made and submitted, and all that comes back is zeros, but that the tuner's
 * comparisons say that all variants agree.
 */

const nothing = () => new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : nothing) });

/** `software`: what it says of itself. `features`: what it has. */
export function fakeDevice({ software, features = [] }) {
  const made = {
    features: new Set(features),
    limits: new Proxy({}, { get: (_, name) => (String(name).startsWith('min') ? 256 : 2 ** 28) }),
    adapterInfo: { description: software ? 'SwiftShader' : 'a GPU' },
    lost: new Promise(() => {}),
    queue: { submit() {}, writeBuffer() {}, onSubmittedWorkDone: async () => undefined },
    createBuffer: ({ label, size, usage }) => ({
      label,
      size,
      usage,
      mapState: 'unmapped',
      mapAsync: async () => undefined,
      // Pairs of the largest difference and a sum of squares.
      getMappedRange: (_, bytes = size) =>
        Float32Array.from({ length: bytes / 4 }, (_, i) => (label === 'tune differences' ? i % 2 : 0)).buffer,
      unmap() {},
      destroy() {},
    }),
    createComputePipelineAsync: async () => nothing(),
    popErrorScope: async () => null,
  };
  return new Proxy(made, { get: (own, name) => own[name] ?? (name === 'then' ? undefined : nothing) });
}

/** The numbers that WebGPU has as globals. */
export function fakeGlobals() {
  const flags = (names) => Object.fromEntries(names.split(' ').map((name, i) => [name, 1 << i]));
  return {
    GPUBufferUsage: flags('MAP_READ MAP_WRITE COPY_SRC COPY_DST INDEX VERTEX UNIFORM STORAGE'),
    GPUMapMode: flags('READ WRITE'),
    GPUShaderStage: flags('VERTEX FRAGMENT COMPUTE'),
  };
}
