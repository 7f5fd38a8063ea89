/** TypeScript's own libraries have WebGPU's types, but not this value. */
declare const GPUBufferUsage: Readonly<Record<'STORAGE' | 'COPY_SRC' | 'COPY_DST', number>>;
