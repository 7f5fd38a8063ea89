/** Checks kernels that have one form in the shapes that a network uses, against the references. Loaded when there is something to check. */

import type { Gpu } from '../gpu/gpu';
import type { Op } from '../plan/op';
import type { Arrays, Values } from '../plan/reference';
import { SEED } from '../plan/small_case';
import { STATE } from '../plan/step_state';
import type { Tensor } from '../plan/tensor';
import { writes } from './compare';
import { faultOf, valuesLike } from './expected';
import { runOnce } from './run_once';
import { opWith, referenceOf, sizesOf } from './small';
import { smallCaseOf, smallShape, startValues } from './small_case';
import type { Tally } from './tally';

/** Most numbers in the tensors of the ops that run in one submission. */
const GROUP = 2 ** 22;
/** Time that the references compute before other tasks have their turn. */
const SLICE_MS = 2;
/** Numbers that a reference computes at once, approximately. */
const PIECE = 2 ** 14;
/** Numbers that are compared at once, and start values that are copied at once. */
const COMPARED = 2 ** 17;
const COPIED = 2 ** 18;
/** Number of successive steps for kernels that depend on the step's number. */
const STEPS = 32;
/** Large tensors repeat this many start values: a prime number, so that rows and images differ. */
const PERIOD = 16381;

type Shape = Readonly<Record<string, unknown>>;

/** Describes the fault of the first wrong op; undefined if there is none. Other tasks have their turn in between. Throws the signal's reason. */
export async function wrongForm(
  gpu: Gpu,
  ops: readonly Op[],
  tally: Tally,
  signal?: AbortSignal,
): Promise<{ readonly op: Op; readonly fault: string } | undefined> {
  let begun = performance.now();
  const pause = async () => {
    signal?.throwIfAborted();
    if (performance.now() - begun < SLICE_MS) return;
    await turn();
    begun = performance.now();
  };
  const runs = ops.flatMap(runsOf);
  tally.expect(runs.length);
  while (runs.length > 0) {
    let [count, size] = [0, 0];
    while (count < runs.length && (count === 0 || size + runs[count].size <= GROUP))
      size += runs[count++].size;
    const group = runs.splice(0, count);
    const values = new Map<Tensor, Values>();
    for (const run of group) for (const _ of starting(run, values)) await pause();
    const all = group.flatMap(({ ops }) => ops);
    const written = [...values.keys()].filter((t) => all.some((o) => writes(o, t)));
    const read = await runOnce(gpu, {
      label: 'self-check at size',
      ops: all,
      before: values,
      results: written,
    });
    const got = new Map(written.map((t, i) => [t, read[i]]));
    for (const run of group) {
      for (const fault of faultsOf(run, values, got)) {
        if (fault) return { op: run.op, fault };
        await pause();
      }
      tally.count();
    }
  }
  return undefined;
}

/** Lets other tasks have their turn. Browsers hold timers back: to 4 ms, in a hidden tab to a second. */
const turn = () =>
  new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });

/** An op in a shape, for some steps in a row. */
interface Run {
  readonly op: Op;
  readonly shape: Shape;
  /** The tensors of each step, and the op with them. */
  readonly steps: readonly Readonly<Record<string, Tensor>>[];
  readonly ops: readonly Op[];
  /** Numbers in all tensors. */
  readonly size: number;
}

/** The runs of an op: one in its real shape, then, if it depends on the step, many steps in a small shape. */
function runsOf(o: Op): Run[] {
  const runOf = (shape: Shape, count: number): Run => {
    const steps = stepsOf(o.kernel, sizesOf(o, shape), count);
    const first = opWith(o, shape, steps[0]);
    const tensors = new Set(steps.flatMap((step) => Object.values(step)));
    return {
      op: o,
      shape,
      steps,
      ops: steps.map((step) => exchanged(first, steps[0], step)),
      size: [...tensors].reduce((sum, { size }) => sum + size, 0),
    };
  };
  const shape = realShape(o);
  const small = smallShape(o.origin.kernel, shape) as Shape;
  return [runOf(shape, 1), ...(smallCaseOf(o.kernel).ofStep ? [runOf(small, STEPS)] : [])];
}

/** Sets the contents of the tensors of a run at the start, and yields in between. */
function* starting({ op, shape, steps }: Run, values: Map<Tensor, Values>): Generator<void> {
  const start = yield* startValuesOf(op.kernel, shape, sizesOf(op, shape));
  for (const [step, tensors] of steps.entries()) {
    for (const [name, t] of Object.entries(tensors)) if (!values.has(t)) values.set(t, start[name]);
    if (step > 0 && smallCaseOf(op.kernel).ofStep?.includes('state'))
      values.set(tensors.state, later(start.state, step));
  }
}

/** Describes the fault in each piece of a run's results, or yields undefined. Changes `values` to their contents after the run. */
function* faultsOf(
  { op: { kernel }, shape, steps }: Run,
  values: Map<Tensor, Values>,
  got: ReadonlyMap<Tensor, ArrayBuffer>,
): Generator<string | undefined, void, undefined> {
  for (const [step, tensors] of steps.entries()) {
    const next = steps[step + 1] ?? {};
    const inputs = Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, values.get(t)!]));
    for (const piece of piecesOf(kernel, shape, inputs)) {
      yield undefined;
      if (!piece) continue;
      const { from, outputs } = piece;
      for (const [name, expected] of Object.entries(outputs)) {
        const t = tensors[name];
        if (next[name] === t) values.set(t, name === 'state' ? wordsOf(expected) : expected);
        else yield* faultsIn(name, resultLike(expected, got.get(t)!, from), expected);
      }
    }
  }
}

/** An op's shape with a fixed seed and a small data set, which make no difference here. */
function realShape({ origin: { shape } }: Op): Shape {
  const { seed, imageCount, batch } = shape as Readonly<Record<string, number>>;
  return {
    ...shape,
    ...(seed === undefined ? {} : { seed: SEED }),
    ...(imageCount === undefined ? {} : { imageCount: Math.min(imageCount, 2 * batch) }),
  };
}

/** The tensors of each step that an op is run for. */
function stepsOf(
  kernel: string,
  sizes: Readonly<Record<string, number>>,
  count: number,
): Record<string, Tensor>[] {
  const tensorOf = (label: string): Tensor => ({ label, size: sizes[label] });
  const labels = Object.keys(sizes);
  const first = Object.fromEntries(labels.map((label) => [label, tensorOf(label)]));
  const own = smallCaseOf(kernel).ofStep ?? [];
  return Array.from({ length: count }, (_, step) =>
    Object.fromEntries(
      labels.map((label) => [label, step > 0 && own.includes(label) ? tensorOf(label) : first[label]]),
    ),
  );
}

/** `o` with other tensors of the same names. */
function exchanged(o: Op, from: Readonly<Record<string, Tensor>>, to: Readonly<Record<string, Tensor>>): Op {
  const others = new Map(Object.entries(from).map(([name, t]) => [t, to[name]]));
  const calls = o.calls.map((call) => ({
    ...call,
    tensors: Object.fromEntries(Object.entries(call.tensors).map(([name, t]) => [name, others.get(t) ?? t])),
  }));
  return { ...o, calls };
}

/** Describes the fault of each part of a result, or yields undefined. */
function* faultsIn(name: string, got: Values, expected: Values): Generator<string | undefined> {
  for (let at = 0; at < expected.length; at += COMPARED)
    yield faultOf(name, got.subarray(at, at + COMPARED), expected.subarray(at, at + COMPARED));
}

/** Start values, of which large tensors have few, in steps. */
function* startValuesOf(
  kernel: string,
  shape: object,
  sizes: Readonly<Record<string, number>>,
): Generator<void, Record<string, Values>, void> {
  const few = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, Math.min(size, PERIOD)]));
  const start = startValues(kernel, shape, few);
  for (const [name, values] of Object.entries(start)) {
    if (values.length === sizes[name]) continue;
    const all = values instanceof Uint32Array ? new Uint32Array(sizes[name]) : new Float32Array(sizes[name]);
    for (let at = 0; at < all.length; at += PERIOD) {
      all.set(values.subarray(0, all.length - at), at);
      if (at % COPIED < PERIOD) yield;
    }
    start[name] = all;
    yield;
  }
  return start;
}

/** The state of a later step. */
function later(state: Values, steps: number): Uint32Array {
  const words = Uint32Array.from(state);
  words[STATE.step] += steps;
  return words;
}

/** A reference has a state as floats. */
const wordsOf = (state: Values) => new Uint32Array(Float32Array.from(state).buffer);

interface Piece {
  readonly outputs: Arrays;
  /** The beginning of the piece in each result, as a share of it; undefined for the whole result. */
  readonly from?: number;
}

/** The results of a kernel's reference, piece by piece; undefined between its steps. @internal */
export function* piecesOf(
  kernel: string,
  shape: Shape,
  inputs: Arrays,
): Generator<Piece | undefined, void, undefined> {
  const { cut = [], steps } = smallCaseOf(kernel);
  if (steps) {
    const making = steps(shape as never, inputs);
    for (let step = making.next(); ; step = making.next()) {
      if (step.done) return yield { outputs: step.value };
      yield undefined;
    }
  }
  const compute = referenceOf(kernel);
  for (const { from, ...part } of partsOf(shape, inputs, cut))
    yield { outputs: compute(part.shape as never, part.inputs), from };
}

interface Part {
  readonly shape: Shape;
  readonly inputs: Arrays;
  /** As of a piece. */
  readonly from?: number;
}

/** A shape and its tensors cut along the first axis, and each part with one of that along the next, until they are small. */
function* partsOf(
  shape: Shape,
  inputs: Arrays,
  [axis, ...axes]: readonly string[],
  from?: number,
  share = 1,
): Generator<Part, void, undefined> {
  const largest = Math.max(...Object.values(inputs).map(({ length }) => length));
  if (axis === undefined || largest <= PIECE) return yield { shape, inputs, from };
  const all = shape[axis] as number;
  // Windows of two rows stay together.
  const unit = axis === 'height' && all % 2 === 0 ? 2 : 1;
  const count = Math.min(all / unit, Math.ceil(largest / PIECE));
  for (let i = 0; i < count; i++) {
    const [first, end] = [i, i + 1].map((k) => unit * Math.floor((k * all) / unit / count));
    const parts: Record<string, Values> = {};
    for (const [name, values] of Object.entries(inputs)) {
      const each = values.length / all;
      parts[name] = values.subarray(first * each, end * each);
    }
    const part = { ...shape, [axis]: end - first };
    const rest = end - first === 1 ? axes : [];
    yield* partsOf(part, parts, rest, (from ?? 0) + (share * first) / all, (share * (end - first)) / all);
  }
}

/** The part of a result that belongs to an expected piece, which begins at the share `from` of it. */
function resultLike(expected: Values, result: ArrayBuffer, from: number | undefined): Values {
  if (from === undefined) return valuesLike(expected, result);
  const begin = Math.round((from * result.byteLength) / 4);
  return new Float32Array(result, begin * 4, expected.length);
}
