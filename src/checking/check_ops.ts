/** Runs kernels on small cases and compares what they make with the references. Loaded when there is something to check. */
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { type Op, op } from '../plan/op';
import type { Values } from '../plan/reference';
import { type Tensor, tensor } from '../plan/tensor';
import { faultOf } from './compare';
import { smallShape, startValues } from './small_case';

/** The small case of an op. */
interface Case {
  readonly op: Op;
  readonly shape: object;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly before: Readonly<Record<string, Values>>;
}

/** What is wrong with each of `ops`, for a message; undefined where nothing is. All of them run in one submission. */
export async function checkOps(gpu: Gpu, ops: readonly Op[]): Promise<(string | undefined)[]> {
  const { references } = await import('../reference/index');
  const cases = ops.map(caseOf);
  const all = cases.flatMap(({ tensors }) => Object.values(tensors));
  const buffers = await createTensorBuffers(gpu, 'self-check ', all);
  let program: Program | undefined;
  let staging: Staging | undefined;
  try {
    const compiling = Program.compile(
      gpu,
      'self-check',
      cases.map((c) => c.op),
      buffers,
      { verify: false },
    );
    compiling.catch(() => {}); // awaited below: what is expected is worked out while the driver compiles
    const expected = cases.map(({ op, shape, before }) => references[op.kernel](shape as never, before));
    program = await compiling;
    for (const { tensors, before } of cases)
      for (const [name, t] of Object.entries(tensors))
        gpu.device.queue.writeBuffer(buffers.get(t)!, 0, before[name] as Float32Array<ArrayBuffer>);
    const results = cases.flatMap(({ tensors }, i) => Object.keys(expected[i]).map((name) => tensors[name]));
    const sources = results.map((t) => ({ buffer: buffers.get(t)!, bytes: t.size * 4 }));
    const bytes = sources.reduce((sum, source) => sum + source.bytes, 0);
    staging = await Staging.create(gpu, 'self-check results', bytes);
    const encoder = gpu.device.createCommandEncoder({ label: 'self-check' });
    const checked = program;
    computePass(encoder, 'self-check', (pass) => checked.encode(pass));
    const read = await staging.read(encoder, sources);
    const got = new Map(results.map((t, i) => [t, read[i]]));
    return cases.map((c, i) => caseFault(c, expected[i], got));
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}

/** A small op of the same variant, on tensors of its own. */
function caseOf({ origin: { kernel, shape: given, sliced }, variant }: Op): Case {
  const shape = smallShape(given);
  const sizes: Record<string, number> = { ...kernel.sizes(shape as never) };
  const slices = sliced && kernel.variants[variant].slices?.(shape as never);
  if (slices) sizes.gradient = slices * pitchOf(sizes.gradient);
  const before = startValues(shape, sizes);
  const tensors = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, tensor(name, size)]));
  const keeps = slices ? tensors.gradient : undefined;
  return { op: op(kernel, 'self-check', shape as never, tensors, variant, keeps), shape, tensors, before };
}

function caseFault(
  { tensors }: Case,
  expected: Readonly<Record<string, Values>>,
  got: ReadonlyMap<Tensor, ArrayBuffer>,
): string | undefined {
  for (const [name, values] of Object.entries(expected)) {
    const buffer = got.get(tensors[name])!;
    const all = values instanceof Uint32Array ? new Uint32Array(buffer) : new Float32Array(buffer);
    const fault = faultOf(name, all.length > values.length ? sumOfSlices(all, values.length) : all, values);
    if (fault) return fault;
  }
  return undefined;
}

/** From one slice of a gradient to the next: each is in whole vec4s. */
const pitchOf = (size: number) => Math.ceil(size / 4) * 4;

function sumOfSlices(slices: Values, size: number): Float64Array {
  const pitch = pitchOf(size);
  const sums = new Float64Array(size);
  for (let at = 0; at < slices.length; at += pitch) for (let i = 0; i < size; i++) sums[i] += slices[at + i];
  return sums;
}
