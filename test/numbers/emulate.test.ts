/** Every shader on its small cases, without a GPU: see lanes/emulator.ts for what that finds. */
import { shaders } from 'virtual:shaders';
import { expect, test } from 'vitest';
import { compareTensor, makeInputs, textName } from '../../harness/specs/lib/check_kernel';
import { type AnySpec, specs } from '../../harness/specs/lib/registry';
import { computeExpected, elementCount } from '../../harness/specs/lib/spec';
import { reflect } from '../../shaders/reflect';
import { type Call, call, op } from '../../src/plan/op';
import { type Tensor, tensor } from '../../src/plan/tensor';
import { emulate, type Memory, wordsOf } from '../lib/emulator';

/** A case with so much to do takes the interpreter some 100 ms. */
const SMALL_FLOPS = 30_000;
const SMALL_ELEMENTS = 10_000;
/** A variant that has no small case runs its smallest one, up to this. */
const LARGEST_FLOPS = 2_000_000;

/** The cases of a variant to emulate: those that its spec names, or the small ones. */
function casesFor(
  { kernel, cases, emulated = {} }: AnySpec,
  variant: string,
): [title: string, shape: unknown][] {
  const { refuses } = kernel.variants[variant];
  const handled = Object.entries(cases).filter(([_, shape]) => !refuses?.(shape));
  const named = emulated[variant];
  if (named) return handled.filter(([title]) => named.includes(title));
  const flops = (shape: unknown) => kernel.cost(shape).flops;
  handled.sort((one, other) => flops(one[1]) - flops(other[1]));
  const small = handled.filter(
    ([_, shape]) => flops(shape) <= SMALL_FLOPS && elementCount(kernel.sizes(shape)) <= SMALL_ELEMENTS,
  );
  return small.length > 0 ? small : handled.slice(0, 1).filter(([_, shape]) => flops(shape) <= LARGEST_FLOPS);
}

/** The calls of a variant on a shape, on tensors of their own. */
function callsOf({ kernel }: AnySpec, variant: string, shape: unknown) {
  const tensors: Record<string, Tensor> = {};
  for (const [name, size] of Object.entries(kernel.sizes(shape))) tensors[name] = tensor(name, size);
  return { tensors, calls: op(kernel, 'emulated', shape as object, tensors, variant).calls };
}

/** How the shaders that work on images name their number, of pairs or vec4s. */
const numbersOfImages = ['n4', 'pairs', 'images', 'batch', 'chunk'];
const worksOnImages = (calls: readonly Call[]) =>
  calls.some(({ params }) => numbersOfImages.some((name) => name in params));

/** Whether the images of a batch are three vec4s, or five, … */
const isOdd = (batch: number) => batch >= 12 && (batch / 4) % 2 === 1;

/** Texts that work on images, without a case of three vec4s, or five, …: lanes that take two at once have none to take for the last. */
const onEvenBatches: string[] = [];

for (const [name, spec] of specs) {
  const { kernel, emulated = {} } = spec;
  const emulatedTexts = new Set<string>();
  // Among forms that share a text, the one whose cases its spec names comes first.
  const variants = Object.entries(kernel.variants).sort(
    ([a], [b]) => Number(b in emulated) - Number(a in emulated),
  );
  for (const [variant, { features = [] }] of variants) {
    // The interpreter has none.
    if (features.includes('subgroups')) continue;
    const cases = casesFor(spec, variant);
    // The numbers of the other forms are checked by themselves (winograd.test.ts), and on every device.
    const isFirst = !emulatedTexts.has(textName(variant));
    emulatedTexts.add(textName(variant));
    test(`${name}.${variant} has a case that is small enough to interpret`, () =>
      expect(cases).not.toEqual([]));
    const onImages = cases.filter(([_, shape]) => worksOnImages(callsOf(spec, variant, shape).calls));
    const odd = onImages.find(([_, shape]) => isOdd((shape as { readonly batch: number }).batch));
    if (isFirst && onImages.length > 0 && !odd) onEvenBatches.push(`${name}.${variant}`);
    // One case of a text: a race, or a place outside, rarely hides in all but one.
    const first = odd ?? cases.at(-1);
    for (const [title, shape] of cases) {
      const tags = isFirst && title === first?.[0] ? [] : ['nightly'];
      test(`${name}.${variant}: ${title}, interpreted, as the reference`, { tags }, () => {
        const inputs = makeInputs(spec, shape);
        const memory: Memory = new Map();
        const { tensors, calls } = callsOf(spec, variant, shape);
        for (const t in tensors) {
          const words = wordsOf(memory, tensors[t]);
          const values = inputs[t];
          if (values instanceof Uint32Array) words.set(values);
          else if (values) new Float32Array(words.buffer).set(values);
        }
        expect(emulate(calls, memory).join('\n')).toBe('');
        const expected = computeExpected(spec, shape, inputs);
        for (const [t, { size }] of Object.entries(tensors)) {
          const words = wordsOf(memory, tensors[t]);
          const gain = spec.gain?.[variant];
          const dims = spec.dims?.(shape)[t];
          const { failure } = compareTensor(t, words, size, expected[t], inputs[t], gain, dims);
          expect(failure).toBeUndefined();
        }
      });
    }
  }
}

test('every kernel that works on images has a case with an odd number of vec4s of them', () => {
  expect(onEvenBatches).toEqual([]);
});

test('conv2d_grad_kernel.winograd_gpu_product gives sums of 0 for a slice without columns', () => {
  const shader = shaders['conv2d_grad_kernel.winograd_gpu_product'];
  const pitch = 8;
  const cin = 2;
  const cout = 8;
  const tensors = {
    inputs: tensor('inputs', cin * pitch * 4),
    grads: tensor('grads', cout * pitch * 4),
    output: tensor('output', 2 * (cin + 1) * cout),
  };
  const memory: Memory = new Map();
  for (const t of Object.values(tensors)) new Float32Array(wordsOf(memory, t).buffer).fill(1);
  const params = {
    columns: 4,
    pitch,
    cin,
    cout,
    frequencies: 1,
    sum_frequency: 0,
    slices: 2,
    slice_columns: 8,
    first_slice: 0,
  };
  const items = [cout / 4, 1, 2] as const;
  expect(emulate([call(shader, params, tensors, items)], memory)).toEqual([]);
  // Four columns of four images, and none.
  const sums = new Float32Array(wordsOf(memory, tensors.output).buffer, 0, tensors.output.size);
  expect([...sums]).toEqual([...Array((cin + 1) * cout).fill(16), ...Array((cin + 1) * cout).fill(0)]);
});

/** What the emulator says about one workgroup of 8 invocations (or more workgroups) that run `body` over `data`. */
function faultsOf(body: string, invocations = 8): string {
  const code = `
@group(0) @binding(0) var<storage, read_write> data: array<f32>;
var<workgroup> tile: array<f32, 8>;
fn next(i: u32) -> f32 {
  workgroupBarrier();
  return tile[(i + 1u) % 8u];
}
@compute @workgroup_size(8)
fn main(@builtin(local_invocation_index) i: u32, @builtin(global_invocation_id) id: vec3u) {
${body}
}`;
  const shader = reflect('faulty', code);
  const data = tensor('data', 16);
  const memory: Memory = new Map([[data, new Uint32Array(16)]]);
  return emulate([call(shader, {}, { data }, invocations)], memory).join('\n');
}

const round = 'tile[i] = data[i]; workgroupBarrier(); data[i] = tile[(i + 1u) % 8u];';
test.each<[what: string, body: string, fault: string, invocations?: number]>([
  ['a missing barrier', 'tile[i] = data[i]; data[i] = tile[(i + 1u) % 8u];', 'race of invocations'],
  ['one in the second round of a loop', `for (var k = 0u; k < 2u; k++) { ${round} }`, 'race of invocations'],
  [
    'a barrier that some invocations do not reach',
    'if (i > 3u) { return; } workgroupBarrier(); data[i] = 1.0;',
    'Barrier divergence',
  ],
  ['two workgroups that write to one place', 'data[i] = 1.0;', 'race of two workgroups', 16],
  ['a write behind the end', 'data[i + 9u] = 1.0;', 'writes behind the end of data'],
  ['one far behind', 'data[1000000u * (i + 1u)] = 1.0;', 'the interpreter stopped: RangeError'],
  ['nothing where barriers stand between', round, ''],
  ['nothing where they stand in a function', 'tile[i] = data[i]; let n = next(i); data[i] = n;', ''],
  ['nothing where each has its place', 'data[id.x] = 1.0;', '', 16],
  [
    'a read outside, which is NaN',
    'data[i] = data[i + 16u]; data[i] = select(0.0, 1.0, data[i] == data[i]);',
    '',
  ],
])('the emulator finds %s', (_, body, fault, invocations) => {
  const found = faultsOf(body, invocations);
  if (fault) expect(found).toContain(fault);
  else expect(found).toBe('');
});
