/** What the programs in the documentation take as given: by these names, on a device of the test's. */
import { createEngine } from '../../src/engine';
import { memoryCache } from '../../src/trust/cache';

const BYTES = 4 * 64 * 28 * 28 * 16;
const ALL_USAGES = 0x80 | 0x08 | 0x04; // STORAGE, COPY_DST, COPY_SRC: a constant, since the names are read without WebGPU, too

const buffers = [
  'buffer',
  'input',
  'output',
  'kernel',
  'bias',
  'pooled',
  'pooledGradient',
  'outputGradient',
  'inputGradient',
  'kernelGradient',
  'biasGradient',
  'images',
] as const;

/** All names. */
export const names = [
  'device',
  'engine',
  'unet',
  'dataset',
  'trainer',
  'encoder',
  'canvas',
  'bitmap',
  'noisy',
  'target',
  ...buffers,
] as const;

/** Kernels are checked once for all programs. */
export const tuningCache = memoryCache();

/** The engine takes plain kernels, of which few are to be compiled; the network has the default number of levels, but few channels. */
export async function given(device: GPUDevice) {
  const engine = await createEngine({ device, variants: {}, tuningCache });
  const unet = await engine.createUNet({ widths: [4, 4, 4] });
  const images = new Uint8Array(16 * 28 * 28).fill(200);
  const dataset = await engine.createDataset({ images, count: 16, height: 28, width: 28, channels: 1 });
  const floats = () => new Float32Array(16 * 28 * 28).fill(0.5);
  const buffer = () => device.createBuffer({ size: BYTES, usage: ALL_USAGES });
  return {
    ...(Object.fromEntries(buffers.map((name) => [name, buffer()])) as Record<
      (typeof buffers)[number],
      GPUBuffer
    >),
    device,
    engine,
    unet,
    dataset,
    trainer: await engine.createTrainer(unet, { batchSize: 16 }),
    encoder: device.createCommandEncoder(),
    canvas: canvasOn(device) as unknown as HTMLCanvasElement,
    // Of programs that are only compiled.
    bitmap: undefined as unknown as ImageBitmap,
    noisy: floats(),
    target: floats(),
  };
}

export type Given = Awaited<ReturnType<typeof given>>;

/** A canvas where there is none: what is painted goes to a texture. */
function canvasOn(device: GPUDevice) {
  const canvas = { width: 1, height: 1, getContext: () => context };
  let configured: GPUCanvasConfiguration;
  const context = {
    configure(configuration: GPUCanvasConfiguration) {
      configured = configuration;
    },
    getCurrentTexture: () =>
      device.createTexture({
        size: [canvas.width, canvas.height],
        format: configured.format,
        usage: configured.usage!,
      }),
  };
  return canvas;
}
