/**
 * Runs calls without a GPU, in wgsl_reflect's interpreter: all invocations of a workgroup step by step, side by side. Finds what
 * a GPU hides: races, barriers that not all invocations reach, accesses outside of a buffer.
 */

import { texts } from 'virtual:shaders';
import {
  CallExpr,
  CreateExpr,
  type Data,
  detectRaces,
  MemoryTracker,
  ScalarData,
  TemplateInfo,
  TypedData,
  type TypeInfo,
  VectorData,
  WgslExec,
  WorkgroupScheduler,
} from 'wgsl_reflect/wgsl_reflect.module.js';
import type { Reflection } from '../../shaders/reflect';
import type { Call } from '../../src/plan/op';
import type { Shader } from '../../src/plan/shader';
import type { Tensor } from '../../src/plan/tensor';

// ---------------------------------------------------------------- races

interface Access {
  readonly invocation: number;
  readonly line: number;
}

/** Who touched one word since the last barrier, and in which workgroup anybody ever did. */
interface Word {
  phase: number;
  writer?: Access;
  reader?: Access;
  /** Another invocation than `reader`. */
  otherReader?: Access;
  writingGroup?: MemoryTracker;
  readingGroup?: MemoryTracker;
}

/** What the accesses of one dispatch are recorded in. */
interface Recording {
  readonly storage: ReadonlySet<string>;
  readonly words: Map<string, Word>;
  readonly races: Map<string, string>;
  phase: number;
}

let recording: Recording | undefined;

function record(tracker: MemoryTracker, buffer: string, at: number, kind: 'read' | 'write'): void {
  const { storage, words, races, phase } = recording!;
  const me: Access = { invocation: tracker.currentInvocation, line: tracker.currentLine };
  const isStorage = storage.has(buffer);
  const key = `${buffer} ${at}`;
  const word = words.get(key) ?? { phase };
  words.set(key, word);
  if (word.phase !== phase) {
    word.phase = phase;
    word.writer = word.reader = word.otherReader = undefined;
  }
  const report = (what: string, line: number) => {
    const message = `${what} on ${buffer}, word ${at / 4}`;
    // One message for each pair of lines is enough.
    const lines = `${buffer} ${line} ${me.line}`;
    if (!races.has(lines)) races.set(lines, `${message}: line ${line} and line ${me.line}`);
  };
  const race = (other: Access | undefined) => {
    if (other && other.invocation !== me.invocation)
      report(`race of invocations ${other.invocation} and ${me.invocation} of a workgroup`, other.line);
  };
  race(word.writer);
  if (kind === 'write') {
    race(word.reader);
    race(word.otherReader);
    word.writer = me;
  } else if (!word.reader) word.reader = me;
  else if (word.reader.invocation !== me.invocation) word.otherReader = me;
  if (!isStorage) return;
  // Nothing orders two workgroups, ever.
  const stranger = (group: MemoryTracker | undefined) => group !== undefined && group !== tracker;
  if (stranger(word.writingGroup) || (kind === 'write' && stranger(word.readingGroup)))
    report('race of two workgroups', me.line);
  if (kind === 'write') word.writingGroup = tracker;
  else word.readingGroup = tracker;
}

// wgsl_reflect's own search compares each access with each other one, within a workgroup only.
MemoryTracker.prototype.record = function (buffer, offset, size, kind, atomic) {
  if (atomic) return;
  for (let at = offset; at < offset + size; at += 4) record(this, buffer, at, kind);
};
MemoryTracker.prototype.endPhase = () => {
  recording!.phase++;
};

// ---------------------------------------------------------------- faults of the interpreter

// The interpreter keeps the value that a function returned in the syntax tree, which all invocations share: keep one for each.
const returned = new WeakMap<CallExpr, Map<number, Data>>();
let invocation = 0;
Object.defineProperty(MemoryTracker.prototype, 'currentInvocation', {
  get: () => invocation,
  set: (index: number) => {
    invocation = index;
  },
});
CallExpr.prototype.setCachedReturnValue = function (this: CallExpr, value: Data) {
  const values = returned.get(this) ?? new Map<number, Data>();
  returned.set(this, values.set(invocation, value));
};
const evaluate = WgslExec.prototype._evalCallValue;
WgslExec.prototype._evalCallValue = function (this: WgslExec, node, context) {
  const values = returned.get(node);
  const value = values?.get(invocation);
  if (value === undefined) return evaluate.call(this, node, context);
  values?.delete(invocation);
  return value;
};

// The interpreter keeps vectors of integers as floats, which have 24 bits.
const integerArray = (info: TypeInfo | null) => {
  if (!(info instanceof TemplateInfo) || !/^vec[234]$/.test(info.name)) return undefined;
  return { u32: Uint32Array, i32: Int32Array }[info.format?.name ?? ''];
};
const makeVector = WgslExec.prototype._makeCwiseData;
WgslExec.prototype._makeCwiseData = function (this: WgslExec, values, info) {
  const integers = integerArray(info);
  return integers ? new VectorData(integers.from(values), info) : makeVector.call(this, values, info);
};
const constructVector = WgslExec.prototype._callConstructorVec;
WgslExec.prototype._callConstructorVec = function (this: WgslExec, node, context) {
  const info = node.type && this.getTypeInfo(node.type);
  const integers = integerArray(info);
  if (!info || !integers || !(node instanceof CreateExpr)) return constructVector.call(this, node, context);
  const given = (node.args ?? []).flatMap((argument) => {
    const value = this.evalExpression(argument, context);
    return value instanceof VectorData || value instanceof ScalarData ? [...value.data] : [];
  });
  const values = new integers(Number(info.name[3]));
  if (given.length === 1) values.fill(given[0]);
  else values.set(given);
  return new VectorData(values, info).getSubData(this, node.postfix, context);
};

// The interpreter shifts unsigned numbers right as if they were signed.
const operate = WgslExec.prototype._evalBinaryOpValue;
WgslExec.prototype._evalBinaryOpValue = function (this: WgslExec, node, context) {
  const result = operate.call(this, node, context);
  if (node.operator === '>>' && hasWords(result)) {
    const shift = this.evalExpression(node.right, context);
    const bits = hasWords(shift) ? shift.data : [];
    result.data.forEach((x, i) => {
      result.data[i] = x & (0xffffffff >>> bits[bits.length > 1 ? i : 0]);
    });
  }
  // The interpreter's `select` puts what it chooses into an array like the condition's, which must not be of integers.
  if (/^[<>=!]=?$|^==$/.test(node.operator) && result instanceof VectorData && result.typeInfo)
    return new VectorData(Float32Array.from(result.data), result.typeInfo);
  return result;
};
function hasWords(value: Data | null | undefined): value is Data & { data: Uint32Array } {
  return (value instanceof ScalarData || value instanceof VectorData) && value.data instanceof Uint32Array;
}

// The interpreter clears workgroup memory, once for all workgroups. Not all drivers do: before each workgroup, all its bits are ones.
let workgroupVariables: Variable[] = [];
interface Variable {
  readonly context: WgslExec['context'];
  readonly name: string;
}
const declare = WgslExec.prototype._var;
WgslExec.prototype._var = function (this: WgslExec, node, context) {
  declare.call(this, node, context);
  if (node.storage === 'workgroup') workgroupVariables.push({ context, name: node.name });
};
const runWorkgroup = WorkgroupScheduler.prototype.run;
WorkgroupScheduler.prototype.run = function (this: WorkgroupScheduler) {
  for (const { context, name } of workgroupVariables) {
    const value = context.getVariableValue(name);
    if (value instanceof TypedData) new Uint8Array(value.buffer).fill(0xff);
    else if (hasWords(value)) value.data.fill(0xffffffff);
    else throw new Error(`The emulator cannot put garbage into ${name}.`);
  }
  runWorkgroup.call(this);
};

/**
 * It evaluates the second argument of a call after it has given the first parameter its value, in the same scope: a parameter
 * named like a variable in an argument hides it. So each parameter gets a name that nothing else has.
 */
function renameParameters(code: string): string {
  let result = '';
  let rest = code;
  for (;;) {
    const head = /\bfn (\w+)\(([^)]*)\)[^{]*\{/.exec(rest);
    if (!head) return result + rest;
    let end = head.index + head[0].length;
    for (let depth = 1; depth > 0; end++) depth += rest[end] === '{' ? 1 : rest[end] === '}' ? -1 : 0;
    let text = rest.slice(head.index, end);
    if (head[1] !== 'main') {
      for (const [_, parameter] of head[2].matchAll(/(\w+)\s*:/g))
        text = text.replace(new RegExp(`(?<![.\\w])${parameter}\\b`, 'g'), `${parameter}_of_${head[1]}`);
    }
    result += rest.slice(0, head.index) + text;
    rest = rest.slice(end);
  }
}

// ---------------------------------------------------------------- running

export type Memory = Map<Tensor, Uint32Array<ArrayBuffer>>;

/** The words of a tensor; of a table its own, else before anything writes to them all ones, a NaN that spreads to whatever is computed from it. */
export function wordsOf(memory: Memory, t: Tensor): Uint32Array<ArrayBuffer> {
  let words = memory.get(t);
  if (!words) {
    words = t.data ? t.data.slice() : new Uint32Array(t.size).fill(0xffffffff);
    memory.set(t, words);
  }
  return words;
}

/** Words behind every tensor, all ones. A shader may read them, as long as it does not use what it reads. */
const SLACK = 4096;

/** Runs calls one after the other; returns what is wrong with them, a line each. */
export function emulate(calls: readonly Call[], memory: Memory): string[] {
  const problems: string[] = [];
  const consoleError = console.error;
  // What the interpreter does not understand it tells the console, and goes on.
  console.error = (...text) => problems.push(`the interpreter says: ${text.join(' ')}`);
  try {
    for (const call of calls) problems.push(...emulateCall(call, memory));
  } catch (error) {
    // Mostly a RangeError, from an access far outside of a buffer.
    problems.push(`the interpreter stopped: ${(error as Error).stack}`);
  } finally {
    console.error = consoleError;
  }
  return [...new Set(problems)];
}

function emulateCall({ shader, params, tensors, groups }: Call, memory: Memory): string[] {
  const bound: Record<string, unknown> = {};
  if (shader.params.size > 0) bound[0] = { uniform: packParams(shader, params) };
  const parts = Object.entries(shader.bindings).map(([name, { binding, access }]) => {
    const t = tensors[name];
    const whole = wordsOf(memory, t.base ?? t);
    const offset = t.offset ?? 0;
    const words = new Uint32Array(t.size + SLACK).fill(0xffffffff);
    words.set(whole.subarray(offset, offset + t.size));
    bound[binding] = words.buffer;
    return { name, t, whole, offset, words, access };
  });
  workgroupVariables = [];
  recording = {
    storage: new Set(Object.keys(shader.bindings)),
    words: new Map(),
    races: new Map(),
    phase: 0,
  };
  const text = (shader as Partial<Reflection>).text ?? texts[shader.name];
  const { errors } = detectRaces(renameParameters(text), 'main', [...groups], { 0: bound });
  const strays = parts.filter(({ t, words }) => words.subarray(t.size).some((word) => word !== 0xffffffff));
  for (const { t, whole, offset, words, access } of parts)
    if (access === 'read_write') whole.set(words.subarray(0, t.size), offset);
  const lines = text.split('\n');
  const faults = strays.map(({ name }) => `writes behind the end of ${name}`);
  return [...recording.races.values(), ...errors, ...faults].map((message) => {
    const quoted = [...message.matchAll(/line (\d+)/g)].map(([_, line]) => lines[Number(line) - 1]?.trim());
    return [`${shader.name}: ${message}`, ...new Set(quoted)].join('\n    ');
  });
}

function packParams({ params }: Shader, values: Readonly<Record<string, number>>): ArrayBuffer {
  const data = new DataView(new ArrayBuffer(params.size));
  for (const [name, { type, offset }] of Object.entries(params.fields)) {
    const value = name === 'first_group' ? 0 : values[name];
    if (type === 'f32') data.setFloat32(offset, value, true);
    else data.setUint32(offset, value, true);
  }
  return data.buffer;
}
