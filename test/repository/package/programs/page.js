/** In a page, on a device of the page's own. What the package makes comes to a canvas, and back from its texture. */
import { createEngine } from 'webgpu-diffusion';
import { drawn } from './input.js';
import { use } from './use.js';

globalThis.result = main();

async function main() {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await adapter.requestDevice();
  const errors = [];
  device.addEventListener('uncapturederror', ({ error }) => errors.push(error.message));
  const engine = await createEngine({ device });
  const used = await use(engine);
  const texels = await paint(device, engine, Float32Array.from(used.images));
  engine.destroy();
  return { ...used, texels, errors };
}

/** The reds of a canvas with one image below the other, row by row. */
async function paint(device, engine, values) {
  const count = drawn.length;
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const painter = await engine.createPainter({ height: 28, width: 28, channels: 1, count, columns: 1 });
  const canvas = document.querySelector('canvas');
  [canvas.width, canvas.height] = [painter.width, painter.height];
  const context = canvas.getContext('webgpu');
  const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC;
  context.configure({ device, format: 'rgba8unorm', usage });

  const images = device.createBuffer({ size: values.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
  device.queue.writeBuffer(images, 0, values);
  const bytesPerRow = 256 * Math.ceil((4 * painter.width) / 256);
  const read = device.createBuffer({ size: bytesPerRow * painter.height, usage: COPY_DST | MAP_READ });
  const encoder = device.createCommandEncoder();
  const texture = context.getCurrentTexture();
  painter.encode(encoder, images, texture);
  encoder.copyTextureToBuffer({ texture }, { buffer: read, bytesPerRow }, [painter.width, painter.height]);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const bytes = new Uint8Array(read.getMappedRange());
  return Array.from({ length: painter.width * painter.height }, (_, i) => {
    const [x, y] = [i % painter.width, Math.floor(i / painter.width)];
    return bytes[y * bytesPerRow + 4 * x];
  });
}
