/**
 * Chooses kernel variants by measuring them on the device at hand: which one is fastest differs from GPU to GPU, by half and more.
 * A variant is only ever chosen after its results agreed with the kernel's plain variant on the same inputs.
 */
import type { Gpu } from '../device';
import { type Kernel, op, Program, type Tensor, tensor } from '../kernel';
import type { ConvShape } from '../kernels/conv2d';
import type { Layer } from '../unet/config';
import { candidates, layersFor, TUNED, type Variants } from '../unet/variants';
import type { TuningCache } from './cache';

/** Changes when a variant is added or rewritten, so that old choices are made anew. */
const VERSION = 1;
/** A measurement lasts at least this long, so that the host's clock and the cost of submitting do not decide. */
const SPAN_MS = 8;
const MOST_REPEATS = 64;
/** How far a variant may be from the plain one, as a share of the results' root mean square: rounding, not errors. */
const AGREEMENT = 1e-3;

type Shape = ConvShape & { swish: boolean };

export interface Measured {
  readonly kernel: string;
  readonly layer: string;
  readonly variant: string;
  /** Milliseconds, or why the variant is out. */
  readonly result: number | string;
}

/**
 * The fastest variant for each kernel and layer at a batch size (a multiple of 4). Layers of the same shape are measured once.
 * A choice that `cache` knows for this adapter is used without measuring.
 */
export async function tune(
  gpu: Gpu,
  layers: readonly Layer[],
  batch: number,
  options: {
    training: boolean;
    cache?: TuningCache;
    signal?: AbortSignal;
    onMeasured?: (m: Measured) => void;
  },
): Promise<Variants> {
  const { training, cache, signal, onMeasured } = options;
  const kernels = training ? TUNED : TUNED.slice(0, 1);
  const choice: Record<string, string> = {};
  const known = new Map<string, string>();
  for (const kernel of kernels) {
    for (const layer of layersFor(kernel, layers)) {
      signal?.throwIfAborted();
      const shape: Shape = { ...layer, batch, swish: layer.activation === 'swish' };
      const key = keyOf(gpu, kernel, shape);
      let best = known.get(key) ?? (await cache?.get(key));
      const possible = candidates(kernel, layer, batch, gpu.device.features);
      if (!best || !possible.includes(best)) {
        best = await fastest(gpu, kernel, shape, possible, (variant, result) =>
          onMeasured?.({ kernel: kernel.name, layer: layer.name, variant, result }),
        );
        await cache?.set(key, best);
      }
      known.set(key, best);
      choice[`${kernel.name}/${layer.name}`] = best;
    }
  }
  return choice;
}

/** Adapter, browser or driver, kernel and shape: everything that a choice depends on. */
function keyOf({ device }: Gpu, kernel: Kernel<Shape>, shape: Shape): string {
  const {
    vendor,
    architecture,
    device: name,
    description,
  } = (device.adapterInfo ?? {}) as Partial<GPUAdapterInfo>;
  const runtime = (globalThis.navigator as Navigator | undefined)?.userAgent ?? '';
  const { batch, height, width, inChannels, outChannels, kernelSize } = shape;
  return JSON.stringify([
    VERSION,
    [vendor, architecture, name, description, runtime, device.features.has('subgroups')],
    kernel.name,
    [batch, height, width, inChannels, outChannels, kernelSize],
  ]);
}

/** Runs every candidate on the same random inputs. The first is the plain one, against whose results the others are held. */
async function fastest(
  gpu: Gpu,
  kernel: Kernel<Shape>,
  shape: Shape,
  variants: readonly string[],
  report: (variant: string, result: number | string) => void,
): Promise<string> {
  if (variants.length === 1) return variants[0];
  const sizes = Object.entries<number>(kernel.sizes(shape));
  const tensors: Record<string, Tensor> = Object.fromEntries(
    sizes.map(([name, size]) => [name, tensor(name, size)]),
  );
  const buffers = await gpu.createBuffers(
    sizes.map(([name, size]) => ({ label: `tune ${name}`, bytes: size * 4 })),
  );
  const fixed = new Map(sizes.map(([name], i): [Tensor, GPUBuffer] => [tensors[name], buffers[i]]));
  try {
    sizes.forEach(([, size], i) => {
      gpu.device.queue.writeBuffer(buffers[i], 0, noise(size, i));
    });
    // The last tensor of each tuned kernel is its result.
    const [resultSize, resultBuffer] = [sizes[sizes.length - 1][1], buffers[buffers.length - 1]];
    let plain: Float32Array | undefined;
    let best = { variant: variants[0], milliseconds: Infinity };
    for (const variant of variants) {
      const program = await Program.compile(
        gpu,
        'tune',
        [op(kernel, 'tune', shape, tensors, variant)],
        fixed,
      );
      try {
        await gpu.run(program); // compiles on some drivers, and makes the result to check
        const result = new Float32Array(await gpu.read(resultBuffer, resultSize));
        plain ??= result;
        const apart = distance(result, plain);
        if (!(apart <= AGREEMENT)) {
          report(
            variant,
            `differs from ${variants[0]} by ${apart.toPrecision(2)} of the results' root mean square`,
          );
          continue;
        }
        const milliseconds = await time(gpu, program);
        report(variant, milliseconds);
        if (milliseconds < best.milliseconds) best = { variant, milliseconds };
      } finally {
        program.destroy();
      }
    }
    return best.variant;
  } finally {
    for (const b of buffers) b.destroy();
  }
}

/** Milliseconds of one run: the least of three spans of as many repetitions as make it long enough. */
async function time(gpu: Gpu, program: Program): Promise<number> {
  const span = async (repeats: number) => {
    const encoder = gpu.device.createCommandEncoder({ label: 'tune' });
    const pass = encoder.beginComputePass({ label: 'tune' });
    for (let i = 0; i < repeats; i++) program.encode(pass);
    pass.end();
    const start = performance.now();
    await gpu.submit(encoder);
    return performance.now() - start;
  };
  const once = await span(1);
  if (once >= SPAN_MS) return once;
  const repeats = Math.min(MOST_REPEATS, Math.ceil(SPAN_MS / Math.max(once, 0.05)));
  let least = Infinity;
  for (let i = 0; i < 3; i++) least = Math.min(least, (await span(repeats)) / repeats);
  return least;
}

/** Numbers in [-1, 1) from an integer hash: the same for every variant, and none of them special. */
function noise(size: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let h = Math.imul(i ^ (seed << 24), 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    values[i] = ((h ^ (h >>> 13)) >> 8) / 2 ** 23;
  }
  return values;
}

function distance(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}
