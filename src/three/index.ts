/** The engine beside three.js, on one device: nothing is copied through the host. Imports nothing of three's. */
import { checkObject, EngineError, typeOf } from '../base/errors';
import { Resource } from '../base/resource';
import type { BufferSlice } from '../gpu/slice';
import type { PainterOptions } from '../pictures/painter';

// Engine, painter and three's classes by what is asked of them: these declarations stand by themselves, and any version of three that has
// ExternalTexture will do (0.180 and later).

/** What is asked of an engine. */
export interface EngineLike {
  /** The renderer's device. */
  readonly device: GPUDevice;
  /** As the engine's. */
  createPainter(options: PainterOptions): Promise<PainterLike>;
}

/** What is asked of its painter. */
export interface PainterLike {
  /** Of the picture, in texels. */
  readonly width: number;
  /** Of the picture, in texels. */
  readonly height: number;
  /** As the painter's. */
  encode(encoder: GPUCommandEncoder, images: BufferSlice, texture: GPUTexture): void;
  /** As the painter's. */
  paint(images: BufferSlice, texture: GPUTexture): Promise<void>;
  /** As the painter's. */
  destroy(): void;
  /** @internal */
  onDestroy(listener: () => void): void;
}

/** What is asked of a `WebGPURenderer`. */
export interface RendererLike {
  /** Resolves when there is a device; may be called again. */
  init(): Promise<unknown>;
  /** Where three keeps its device. */
  readonly backend: object;
}

/** What is asked of three's class `ExternalTexture`. */
export interface ThreeTexture {
  /** Of the coordinates. */
  readonly repeat: {
    /** Sets both. */
    set(x: number, y: number): unknown;
  };
  /** Of the coordinates. */
  readonly offset: {
    /** Sets both. */
    set(x: number, y: number): unknown;
  };
  /** Tells three to forget it. */
  dispose(): void;
}

/**
 * The device of a three.js `WebGPURenderer`, for `createEngine({ device })`; it stays the renderer's. Waits for `renderer.init()`. The other
 * way round, `new WebGPURenderer({ device: engine.device })` draws on the engine's device. Throws `no-webgpu` if three draws with WebGL,
 * `argument` for what is no renderer.
 */
export async function deviceOf(renderer: RendererLike): Promise<GPUDevice> {
  if (typeof renderer?.init !== 'function') {
    throw new EngineError(
      'argument',
      `The renderer is of type ${typeOf(renderer)}; it must be a WebGPURenderer of three/webgpu.`,
    );
  }
  checkObject("The renderer's backend", renderer.backend, "as three's has it");
  await renderer.init();
  const { device } = renderer.backend as { readonly device?: GPUDevice };
  if (device?.queue) return device;
  throw new EngineError(
    'no-webgpu',
    'This renderer draws with WebGL, as three does where the browser has no WebGPU, or with forceWebGL: there is no device to share.',
  );
}

/** A picture of images that lie on the GPU, as a texture of three's. Created by `createPictureTexture`. */
export class PictureTexture<Texture extends ThreeTexture> extends Resource {
  /** For a material's `map`, or `texture(map)` in TSL. */
  readonly texture: Texture;
  /** The same, as WebGPU has it: `rgba8unorm-srgb` unless asked otherwise, with COPY_SRC. */
  readonly gpuTexture: GPUTexture;
  private readonly painter: PainterLike;

  /** @internal */
  constructor(painter: PainterLike, gpuTexture: GPUTexture, texture: Texture) {
    super('picture texture');
    this.painter = painter;
    this.gpuTexture = gpuTexture;
    this.texture = texture;
    painter.onDestroy(() => this.destroy());
  }

  /** Records the painting of `images`, as `Painter.encode` takes them; submits nothing. What is rendered after it shows them. */
  encode(encoder: GPUCommandEncoder, images: BufferSlice): void {
    this.check();
    this.painter.encode(encoder, images, this.gpuTexture);
  }

  /** Paints and submits, as `Painter.paint` does. */
  async paint(images: BufferSlice): Promise<void> {
    this.check();
    await this.painter.paint(images, this.gpuTexture);
  }

  protected release(): void {
    this.texture.dispose();
    this.painter.destroy();
    this.gpuTexture.destroy();
  }
}

/**
 * Creates a texture that shows images of the engine's: `createPictureTexture(engine, THREE.ExternalTexture, { height, width, channels,
 * count })`. The engine must be on the renderer's device. `engine.destroy` destroys it, too. Throws what `createPainter` throws.
 */
export async function createPictureTexture<Texture extends ThreeTexture>(
  engine: EngineLike,
  ExternalTexture: new (source: GPUTexture) => Texture,
  options: PainterOptions,
): Promise<PictureTexture<Texture>> {
  if (typeof engine?.createPainter !== 'function') {
    throw new EngineError(
      'argument',
      `The engine is of type ${typeOf(engine)}; it must be one of createEngine, on the renderer's device.`,
    );
  }
  if (typeof ExternalTexture !== 'function') {
    throw new EngineError(
      'argument',
      `ExternalTexture is of type ${typeOf(ExternalTexture)}; it must be three's class: THREE.ExternalTexture.`,
    );
  }
  checkObject('The picture', options, '{ height, width, channels }');
  // What three samples it takes for linear light; so the GPU decodes.
  const { format = 'rgba8unorm-srgb' } = options;
  const painter = await engine.createPainter({ ...options, format });
  const { width, height } = painter;
  const usage = GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC;
  const { device } = engine;
  const gpuTexture = device.createTexture({
    label: 'picture texture',
    size: [width, height],
    format: format as GPUTextureFormat,
    usage,
  });
  const texture = new ExternalTexture(gpuTexture);
  // Three's coordinates begin at the bottom, a picture's rows at the top.
  texture.repeat.set(1, -1);
  texture.offset.set(0, 1);
  return new PictureTexture(painter, gpuTexture, texture);
}
