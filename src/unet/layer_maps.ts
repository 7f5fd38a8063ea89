/** Reads the maps of a network's layers in the last pass, and the gradient of the loss there. */
import { argumentError, show } from '../base/errors';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { type BufferSlice, checkEncoder, checkSlice } from '../gpu/slice';
import { readBuffer } from '../gpu/staging';
import { chwnToNhwc } from '../kernels/chwn_to_nhwc';
import { swish } from '../kernels/swish';
import { type Op, op } from '../plan/op';
import { type Tensor, tensor } from '../plan/tensor';
import type { LayerTensors } from './forward';

/**
 * The maps of a layer. `input` is what the convolution reads, after pooling, upsampling and skip connections. `preActivation` is the
 * convolution's output with its biases. `activation` is swish of the pre-activation, if the layer has an activation, plus the layer's input,
 * if it is residual; the inputs of the next layers are made of it. `gradient` is the gradient of the loss with respect to the pre-activation;
 * only a trainer has it.
 */
export type MapKind = 'input' | 'activation' | 'preActivation' | 'gradient';

/** A layer, by the first part of its parameters' names (`down.1`), and the shape of its maps. */
export interface LayerShape {
  /** The name for `read`. */
  readonly name: string;
  /** [images][height][width][channels], the last one innermost. Layers of the conditioning have one pixel. */
  readonly shape: readonly [images: number, height: number, width: number, channels: number];
  /** Channels of `input`, whose shape is the same otherwise. */
  readonly inputChannels: number;
}

interface MapsOf {
  /** The owner's name in errors, for instance `trainer`. */
  readonly what: string;
  readonly gpu: Gpu;
  readonly layers: readonly LayerTensors[];
  readonly batch: number;
  /** Images that callers see, at most `batch`. */
  readonly count: number;
  /** The pass. If its tensors share memory, there is nothing to read. */
  readonly program: Program;
  readonly reuseMemory: boolean;
}

/** The trainer or predictor that has the maps. */
interface MapsOwner {
  /** Throws while the maps cannot be read. */
  check(): void;
  /** Throws `error` to the caller; see Resource. */
  failed(error: unknown): Promise<never>;
}

/** A map, the program that brings it into the caller's order, and its size in bytes. */
interface Reader {
  readonly program: Program;
  readonly bytes: number;
}

/**
 * The maps of a trainer's last step, or of a predictor's last pass, layer by layer. They can be read if trainer or predictor was created
 * with `reuseMemory: false`; otherwise `read` and `encode` throw `argument`, because maps share memory and are overwritten during a pass.
 * Before the first pass all are zeros, and so are the gradients of images that a batch did not have.
 */
export class LayerMaps {
  /** All layers, in forward order, with the conditioning's first. */
  readonly layers: readonly LayerShape[];
  /** Trainer or predictor. @internal */
  owner!: MapsOwner;
  private readonly of: MapsOf;
  private readonly readers: ReadonlyMap<string, Reader>;
  private readonly buffers: readonly GPUBuffer[];
  /** The output of the programs, [images][height][width][channels]. */
  private readonly result: GPUBuffer | undefined;

  private constructor(of: MapsOf, readers: ReadonlyMap<string, Reader>, buffers: readonly GPUBuffer[]) {
    this.of = of;
    this.layers = of.layers.map(({ layer: { name, height, width, inChannels, outChannels } }) => ({
      name,
      shape: [of.count, height, width, outChannels],
      inputChannels: inChannels,
    }));
    this.readers = readers;
    this.buffers = buffers;
    this.result = buffers[0];
  }

  /** @internal */
  static async create(of: MapsOf): Promise<LayerMaps> {
    const { gpu, layers, batch, count, program, reuseMemory } = of;
    if (reuseMemory) return new LayerMaps(of, new Map(), []);
    const largest = Math.max(...layers.map(({ preActivation }) => preActivation.size));
    const largestInput = Math.max(...layers.map(({ input }) => input.size));
    const result = tensor('map in the caller’s order', Math.max(largest, largestInput));
    const activated = tensor('activation', largest);
    const own = await createTensorBuffers(gpu, `${of.what} `, [result, activated]);
    const plans = layers.flatMap((l) => planMaps(l, batch, count, activated, result));
    try {
      const programs = await Program.compileAll(
        plans.map(({ key, ops, inputs }) => {
          const bound = new Map([...own, ...inputs.map((t) => [t, program.buffer(t)] as const)]);
          return Program.compile(gpu, `read ${key}`, ops, bound);
        }),
      );
      const readers = plans.map(
        ({ key, elements }, i) => [key, { program: programs[i], bytes: elements * 4 }] as const,
      );
      return new LayerMaps(of, new Map(readers), [...own.values()]);
    } catch (error) {
      for (const b of own.values()) b.destroy();
      throw error;
    }
  }

  /**
   * Reads a map of a layer to the host, in the shape that `layers` gives.
   *
   * @throws EngineError `argument` for an unknown layer or map, and without `reuseMemory: false`; `busy` in the middle of a fit
   */
  async read(layer: string, map: MapKind = 'activation'): Promise<Float32Array<ArrayBuffer>> {
    const reader = this.reader(layer, map);
    const { gpu } = this.of;
    const encoder = gpu.device.createCommandEncoder({ label: `read ${layer}` });
    computePass(encoder, `read ${layer}`, (pass) => reader.program.encode(pass));
    try {
      return new Float32Array(await readBuffer(gpu, this.result!, reader.bytes / 4, encoder));
    } catch (error) {
      return this.owner.failed(error);
    }
  }

  /** Records the same into the caller's buffer, or a part of it, which has the usage COPY_DST; submits nothing. */
  encode(encoder: GPUCommandEncoder, layer: string, map: MapKind, output: BufferSlice): void {
    const { program, bytes } = this.reader(layer, map);
    checkEncoder(encoder);
    const { buffer, offset } = checkSlice('output', output, bytes, 'COPY_DST');
    computePass(encoder, `read ${layer}`, (pass) => program.encode(pass));
    encoder.copyBufferToBuffer(this.result!, 0, buffer, offset, bytes);
  }

  /** Bytes of GPU memory that reading takes. @internal */
  get bytes(): number {
    const programs = [...this.readers.values()].reduce((sum, { program }) => sum + program.bytes, 0);
    return this.buffers.reduce((sum, { size }) => sum + size, programs);
  }

  /** @internal */
  destroy(): void {
    for (const { program } of this.readers.values()) program.destroy();
    for (const b of this.buffers) b.destroy();
  }

  private reader(layer: string, map: MapKind): Reader {
    const { what, layers, reuseMemory } = this.of;
    this.owner.check();
    const found = layers.find(({ layer: { name } }) => name === layer);
    if (!found) {
      const legal = layers.map(({ layer: { name } }) => name).join(', ');
      throw argumentError(`There is no layer ${show(layer)} in this network; there are ${legal}.`);
    }
    const kinds = kindsOf(found);
    if (!kinds.includes(map)) {
      throw argumentError(`A ${what} has no map ${show(map)} of ${layer}; it has ${kinds.join(', ')}.`);
    }
    if (reuseMemory) {
      throw argumentError(
        `The maps of this ${what} share memory, so ${layer} is gone by the end of a pass. Create the ${what} with reuseMemory: false.`,
      );
    }
    return this.readers.get(mapKey(layer, map))!;
  }
}

const mapKey = (layer: string, map: MapKind) => `${map} of ${layer}`;

const kindsOf = ({ gradient }: LayerTensors): MapKind[] => [
  'input',
  'activation',
  'preActivation',
  ...(gradient ? (['gradient'] as const) : []),
];

/** The ops that write each map of a layer to `result`. */
function planMaps(of: LayerTensors, batch: number, count: number, activated: Tensor, result: Tensor) {
  const { layer, input, preActivation, gradient } = of;
  const { name, height, width, inChannels, outChannels, activation, residual } = layer;
  const channelsOf = (map: MapKind) => (map === 'input' ? inChannels : outChannels);
  const shapeOf = (map: MapKind) => ({ batch, count, height, width, channels: channelsOf(map) });
  const toCaller = (from: Tensor, map: MapKind = 'preActivation') =>
    op(chwnToNhwc, name, shapeOf(map), { input: from, images: result });
  const activate = op(
    swish,
    name,
    { elements: preActivation.size, residual },
    { input: preActivation, output: activated, ...(residual ? { residual: input } : {}) },
  );
  const ops: Record<MapKind, Op[]> = {
    input: [toCaller(input, 'input')],
    activation: activation === 'swish' ? [activate, toCaller(activated)] : [toCaller(preActivation)],
    preActivation: [toCaller(preActivation)],
    gradient: gradient ? [toCaller(gradient)] : [],
  };
  const inputs = [input, preActivation, gradient].filter((t) => t !== undefined);
  return kindsOf(of).map((map) => ({
    key: mapKey(name, map),
    ops: ops[map],
    inputs,
    elements: count * height * width * channelsOf(map),
  }));
}
