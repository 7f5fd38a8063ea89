/**
 * Every shader on its small cases, without a GPU: an interpreter runs the invocations of a workgroup in lockstep and finds what a
 * GPU hides, that is races, barriers that not all reach, accesses outside of a buffer and outputs that nobody writes.
 */
import { describe, expect, test, vi } from 'vitest';
import { detectRaces } from 'wgsl_reflect/wgsl_reflect.module.js';
import { type Call, op, type Shader, type Tensor, tensor } from '../src/kernel';
import { compareTensor, inputsOf } from './check_kernel';
import { specs } from './registry';
import type { Values } from './spec';

/** The interpreter does about a million simple steps a second. */
const MAX_FLOPS = 20_000;
const MAX_ELEMENTS = 10_000;

/** Shaders that the interpreter cannot run, each with the bug that stops it. */
const notEmulated: Readonly<Record<string, string>> = {};

/** Runs calls one after the other on `memory` (one buffer a tensor); returns what is wrong with them. */
function emulate(calls: readonly Call[], memory: Map<Tensor, Uint32Array<ArrayBuffer>>): string[] {
  const problems: string[] = [];
  // The interpreter reports what it does not understand on the console only.
  const console_ = vi.spyOn(console, 'error').mockImplementation((...text) => {
    problems.push(`the interpreter says: ${text.join(' ')}`);
  });
  try {
    for (const { shader, params, tensors, groups } of calls) {
      const bound: Record<string, unknown> = {};
      if (shader.params.size > 0) bound[0] = { uniform: packParams(shader, params) };
      const views = Object.entries(shader.bindings).map(([name, { binding, access }]) => {
        const t = tensors[name];
        const whole = memoryOf(memory, t.base ?? t);
        // Exactly as long as the tensor, so that an access outside of it throws.
        const words = whole.slice(t.offset ?? 0, (t.offset ?? 0) + t.size);
        bound[binding] = words.buffer;
        return { t, whole, words, access };
      });
      const { races, errors } = detectRaces(shader.code, 'main', [...groups], { 0: bound });
      const lines = shader.code.split('\n');
      const quote = (line: number) => `\n    line ${line}: ${lines[line - 1]?.trim()}`;
      for (const race of races.slice(0, 3))
        problems.push(`${shader.name}: ${race.message}${quote(race.a.line)}${quote(race.b.line)}`);
      problems.push(...errors.slice(0, 3).map((error) => `${shader.name}: ${error}`));
      for (const { t, whole, words, access } of views)
        if (access === 'read_write') whole.set(words, t.offset ?? 0);
    }
  } catch (error) {
    // What the interpreter throws is mostly a RangeError, from an access outside of a buffer.
    problems.push(`the interpreter stopped: ${(error as Error).stack}`);
  } finally {
    console_.mockRestore();
  }
  return problems;
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

/** The words of a tensor; before anything writes to them all ones, a NaN that spreads to whatever is computed from it. */
function memoryOf(memory: Map<Tensor, Uint32Array<ArrayBuffer>>, t: Tensor): Uint32Array<ArrayBuffer> {
  let words = memory.get(t);
  if (!words) {
    words = new Uint32Array(t.size).fill(0xffffffff);
    memory.set(t, words);
  }
  return words;
}

function load(words: Uint32Array<ArrayBuffer>, values: Values): void {
  if (values instanceof Uint32Array) words.set(values);
  else new Float32Array(words.buffer).set(values);
}

for (const [name, spec] of specs) {
  const { kernel } = spec;
  const small = Object.entries(spec.cases).filter(([, shape]) => {
    const elements = Object.values(kernel.sizes(shape)).reduce((a, b) => a + b, 0);
    return kernel.cost(shape).flops <= MAX_FLOPS && elements <= MAX_ELEMENTS;
  });
  for (const [variant, { refuses }] of Object.entries(kernel.variants)) {
    describe(`${name}.${variant}`, () => {
      test('has a case that is small enough to emulate', () => {
        expect(small.filter(([, shape]) => !refuses?.(shape))).not.toEqual([]);
      });
      for (const [title, shape] of small) {
        test(title, (context) => {
          const reason = refuses?.(shape);
          if (reason) context.skip(reason);
          const inputs = inputsOf(spec, shape);
          const sizes = kernel.sizes(shape);
          const memory = new Map<Tensor, Uint32Array<ArrayBuffer>>();
          const tensors = Object.fromEntries(Object.entries(sizes).map(([n, size]) => [n, tensor(n, size)]));
          for (const [n, values] of Object.entries(inputs)) load(memoryOf(memory, tensors[n]), values);
          const { calls } = op(kernel, 'emulated', shape, tensors, variant);
          const bug = calls.map((c) => notEmulated[c.shader.name]).find(Boolean);
          if (bug) context.skip(bug);
          expect(emulate(calls, memory).join('\n')).toBe('');
          const expected = spec.reference(shape, inputs);
          for (const [tensorName, size] of Object.entries(sizes)) {
            const words = memoryOf(memory, tensors[tensorName]);
            const { failure } = compareTensor(
              tensorName,
              words,
              size,
              expected[tensorName],
              inputs[tensorName],
            );
            expect(failure).toBeUndefined();
          }
        });
      }
    });
  }
}
