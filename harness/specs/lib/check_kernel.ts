/** Runs a kernel variant on one shape on a real device and compares all its output with the reference. */
import type { Gpu } from '../../../src/gpu/gpu';
import { Program } from '../../../src/gpu/program';
import { readBuffer } from '../../../src/gpu/staging';
import { op } from '../../../src/plan/op';
import { type Tensor, tensor } from '../../../src/plan/tensor';
import type { AnySpec } from './registry';
import { type Arrays, computeExpected, type Dims, type Expected, TestRandom, type Values } from './spec';

/** The name of a variant's text: Winograd's forms share one, and differ in the numbers of their names. */
export const textName = (variant: string) => variant.replace(/\d+(_3x3)?/, '');

/** Words after every tensor that no kernel may touch. */
const GUARD_WORDS = 64;
const GUARD = 0x5ca1ab1e;
/** A NaN: what outputs hold before the kernel runs. */
const POISON = 0xffffffff;

export interface CheckResult {
  readonly pass: boolean;
  /** The largest error as a share of the allowed error: 1 is the limit. */
  readonly share: number;
  /** The failure: a few lines that name the tensor, the first bad element and its neighbours. */
  readonly failure?: string;
  /** The element with the largest error as a share of the allowed error; undefined if all are exact, or it failed in another way. */
  readonly worst?: WorstElement;
}

/** An element of a kernel's output. */
export interface WorstElement {
  readonly tensor: string;
  readonly index: number;
  /** Its place in the tensor's dimensions, such as ` (c 0, y 2)`; empty if these are unknown. */
  readonly place: string;
  readonly expected: number;
  readonly actual: number;
  /** The largest error allowed here. */
  readonly allowed: number;
}

export const makeInputs = (spec: AnySpec, shape: unknown): Arrays => spec.inputs(shape, new TestRandom(1));

/**
 * Checks a kernel. `expected` may be computed elsewhere and shared; by default it is computed here. Runs the dispatches whole, then cut into
 * as many parts as possible, which must give the same bits.
 */
export async function checkKernel(
  gpu: Gpu,
  spec: AnySpec,
  shape: unknown,
  variant: string,
  inputs: Arrays = makeInputs(spec, shape),
  expected: Record<string, Expected> = computeExpected(spec, shape, inputs),
): Promise<CheckResult> {
  const sizes = spec.kernel.sizes(shape);
  const tensors: Record<string, Tensor> = {};
  const fixed = new Map<Tensor, GPUBuffer>();
  const names = Object.keys(sizes);
  const buffers = await gpu.createBuffers(
    names.map((name) => ({ label: `check ${name}`, bytes: (sizes[name] + GUARD_WORDS) * 4 })),
  );
  names.forEach((name, i) => {
    tensors[name] = tensor(name, sizes[name] + GUARD_WORDS);
    fixed.set(tensors[name], buffers[i]);
  });
  try {
    const plan = op(spec.kernel, 'check', shape, tensors, variant);
    const run = async (partWork?: number) => {
      names.forEach((name, i) => {
        gpu.device.queue.writeBuffer(buffers[i], 0, initialWords(inputs[name], sizes[name]));
      });
      const program = await Program.compile(gpu, `check ${spec.kernel.name}`, [plan], fixed, { partWork });
      try {
        const encoder = gpu.device.createCommandEncoder({ label: 'check' });
        const pass = encoder.beginComputePass({ label: 'check' });
        // One part at a time when cut, so that no two are merged back into the whole dispatch.
        if (partWork === undefined) program.encode(pass);
        else for (let i = 0; i < program.partCount; i++) program.encode(pass, i, i + 1);
        pass.end();
        await gpu.submit(encoder);
      } finally {
        program.destroy();
      }
      return Promise.all(
        names.map(
          async (name, i) => new Uint32Array(await readBuffer(gpu, buffers[i], sizes[name] + GUARD_WORDS)),
        ),
      );
    };
    const whole = await run();
    let share = 0;
    let worst: WorstElement | undefined;
    for (const [i, name] of names.entries()) {
      const result = compareTensor(
        name,
        whole[i],
        sizes[name],
        expected[name],
        inputs[name],
        spec.gain?.[variant],
        spec.dims?.(shape)[name],
      );
      if (result.share > share) worst = result.worst;
      share = Math.max(share, result.share);
      if (result.failure) return { pass: false, share, failure: result.failure, worst: result.worst };
    }
    const cut = await run(1);
    for (const [i, name] of names.entries()) {
      const at = cut[i].findIndex((word, k) => word !== whole[i][k]);
      if (at >= 0)
        return { pass: false, share, failure: `${name}[${at}] differs when the dispatch is cut into parts` };
    }
    return { pass: true, share, worst };
  } finally {
    for (const b of buffers) b.destroy();
  }
}

export function toBits(values: Values): Uint32Array {
  if (values instanceof Uint32Array) return values;
  const floats = values instanceof Float32Array ? values : Float32Array.from(values);
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}

function initialWords(input: Values | undefined, size: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(size + GUARD_WORDS).fill(GUARD, size).fill(POISON, 0, size);
  if (input) {
    if (input.length !== size)
      throw new Error(`the spec gives ${input.length} values for a tensor of ${size}`);
    words.set(toBits(input));
  }
  return words;
}

/** Compares the final contents of one tensor (with its guard words) with the expected values, or with the untouched input. */
export function compareTensor(
  name: string,
  words: Uint32Array,
  size: number,
  expected: Expected | undefined,
  input: Values | undefined,
  gain = 1,
  dims?: Dims,
): Omit<CheckResult, 'pass'> {
  for (let i = size; i < words.length; i++) {
    if (words[i] !== GUARD)
      return { share: Infinity, failure: `${name}: wrote ${i - size + 1} words past its end` };
  }
  if (!expected) {
    if (!input)
      return { share: Infinity, failure: `${name}: neither an input nor expected by the reference` };
    const bits = toBits(input);
    const at = bits.findIndex((word, i) => word !== words[i]);
    return at < 0 ? { share: 0 } : { share: Infinity, failure: `${name}[${at}]: an input was changed` };
  }
  const at = (i: number) => `[${i}]${dims ? placeOf(i, dims) : ''}`;
  const integers = expected.values instanceof Uint32Array;
  const own = words.subarray(0, size);
  const got = integers ? own : new Float32Array(own.buffer, own.byteOffset, size);
  const count = got.length;
  const allowedAt = (i: number) => (expected.error ? gain * expected.error[i] : 0);
  if (expected.values.length !== count) {
    return {
      share: Infinity,
      failure: `${name}: the reference gives ${expected.values.length} values of ${count}`,
    };
  }
  let most = 0;
  let worst = -1;
  let bad = 0;
  let firstBad = -1;
  for (let i = 0; i < count; i++) {
    const want = expected.values[i];
    const allowed = allowedAt(i);
    // Where the reference has NaN, infinity is legal, too.
    const alike = got[i] === want || (Number.isNaN(want) && !Number.isFinite(got[i]));
    const share = alike ? 0 : Math.abs(got[i] - want) / allowed;
    // NaN is the worst error.
    const used = Number.isNaN(share) ? Infinity : share;
    if (used > 1) {
      bad++;
      if (firstBad < 0) firstBad = i;
    }
    if (used > most) {
      most = used;
      worst = i;
    }
  }
  const element = (i: number): WorstElement => ({
    tensor: name,
    index: i,
    place: dims ? placeOf(i, dims) : '',
    expected: expected.values[i],
    actual: got[i],
    allowed: allowedAt(i),
  });
  const found = { share: most, ...(worst < 0 ? {} : { worst: element(worst) }) };
  if (bad === 0) return found;
  const rows = [];
  for (let i = Math.max(0, firstBad - 2); i < Math.min(count, firstBad + 5); i++) {
    const allowed = allowedAt(i);
    const fits = Math.abs(got[i] - expected.values[i]) <= allowed;
    rows.push(
      `    ${at(i)} got ${got[i]}, expected ${expected.values[i]} +- ${allowed.toPrecision(3)}${fits ? '' : '  <--'}`,
    );
  }
  return {
    ...found,
    failure: `${name}: ${bad} of ${count} elements are off, first at ${at(firstBad)}, worst at ${at(worst)}: got ${got[worst]}, expected ${expected.values[worst]}, ${most.toPrecision(3)} x allowed\n${rows.join('\n')}`,
  };
}

/** The place of element `i`; empty for elements beyond the dimensions, such as biases. */
function placeOf(i: number, dims: Dims): string {
  let rest = i;
  const place = Object.entries(dims)
    .reverse()
    .map(([name, size]) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return `${name} ${at}`;
    });
  return rest > 0 ? '' : ` (${place.reverse().join(', ')})`;
}
