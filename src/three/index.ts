/** Uses the engine with three.js on one device: nothing is copied through the host. Imports nothing from three.js. */
import { checkObject, EngineError, wrongType } from '../base/errors';
import { Resource } from '../base/resource';
import type { BufferSlice } from '../gpu/slice';
import type { PainterOptions } from '../pictures/painter';

// Engine, painter and three's classes by the members that are used: these declarations need no others, and any version of three that has
// ExternalTexture will do (0.180 and later).

/** The members of an engine that are used here. */
interface EngineLike {
  /** The renderer's device. */
  readonly device: GPUDevice;
  /** As the engine's. */
  createPainter(options: PainterOptions): Promise<PainterLike>;
}

/** The members of a painter that are used here. */
interface PainterLike {
  /** Width of the picture, in texels. */
  readonly width: number;
  /** Height of the picture, in texels. */
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

/** The members of a `WebGPURenderer` that are used here. */
export interface RendererLike {
  /** Resolves when there is a device; may be called again. */
  init(): Promise<unknown>;
  /** The object with three's device. */
  readonly backend: object;
}

/** The members of three's class `ExternalTexture` that are used here. */
export interface ThreeTexture {
  /** Scale of the texture coordinates. */
  readonly repeat: {
    /** Sets both. */
    set(x: number, y: number): unknown;
  };
  /** Offset of the texture coordinates. */
  readonly offset: {
    /** Sets both. */
    set(x: number, y: number): unknown;
  };
  /** Removes the texture from three. */
  dispose(): void;
}

/**
 * The device of a three.js `WebGPURenderer`, for `createEngine({ device })`; the renderer still owns it. Waits for `renderer.init()`. The
 * other way round, `new WebGPURenderer({ device: engine.device })` draws on the engine's device. Throws `no-webgpu` if three draws with
 * WebGL, `argument` for another object.
 */
export async function deviceOf(renderer: RendererLike): Promise<GPUDevice> {
  if (typeof renderer?.init !== 'function') {
    throw wrongType('The renderer', renderer, 'a WebGPURenderer of three/webgpu');
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

/** A picture of images on the GPU, as a three.js texture. Created by `createPictureTexture`. */
class PictureTexture<Texture extends ThreeTexture> extends Resource {
  /** For a material's `map`, or `texture(map)` in TSL. */
  readonly texture: Texture;
  /** The WebGPU texture: by default `rgba8unorm-srgb`, with COPY_SRC. */
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

  /** Records the painting of `images`, as `Painter.encode` takes them; submits nothing. Later frames show them. */
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

export type { PictureTexture };

/**
 * Creates a texture that shows the engine's images: `createPictureTexture(engine, THREE.ExternalTexture, { height, width, channels,
 * count })`. The engine must be on the renderer's device. `engine.destroy` destroys it, too. Throws as `createPainter` does.
 */
export async function createPictureTexture<Texture extends ThreeTexture>(
  engine: EngineLike,
  ExternalTexture: new (source: GPUTexture) => Texture,
  options: PainterOptions,
): Promise<PictureTexture<Texture>> {
  if (typeof engine?.createPainter !== 'function') {
    throw wrongType('The engine', engine, "one of createEngine, on the renderer's device");
  }
  if (typeof ExternalTexture !== 'function') {
    throw wrongType('ExternalTexture', ExternalTexture, "three's class: THREE.ExternalTexture");
  }
  checkObject('The picture', options, '{ height, width, channels }');
  // Three takes samples for linear light, so the GPU must decode sRGB.
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
  try {
    const texture = new ExternalTexture(gpuTexture);
    // Three's coordinates begin at the bottom, a picture's rows at the top.
    texture.repeat.set(1, -1);
    texture.offset.set(0, 1);
    return new PictureTexture(painter, gpuTexture, texture);
  } catch (error) {
    painter.destroy();
    gpuTexture.destroy();
    throw error;
  }
}
