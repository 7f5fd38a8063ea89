/** The references of the backward kernels against finite differences of the references of the forward kernels, all in f64. */
import { describe, expect, test } from 'vitest';
import { type AnySpec, specs } from '../../harness/specs/lib/registry';
import { type Arrays, elementCount, TestRandom } from '../../harness/specs/lib/spec';
import { spec as swishGrad } from '../../harness/specs/swish_grad';

const MAX_ELEMENTS = 3000;
/** A step this small rarely crosses a kink (a pooling tie); the formula's own error is then nil, and rounding is what remains. */
const STEP = 1e-6;
const DIRECTIONS = 4;
const SINGLES = 12;

/** Compares derivatives along random directions and along single elements; returns what is off, a line each. */
function gradientFaults(spec: AnySpec, shape: unknown, reference = spec.reference): string[] {
  const { forward, output, inputs, ...back } = spec.gradientOf!;
  const random = new TestRandom(2);
  // In f64, so that a tiny step is not rounded away.
  const at: Record<string, Float64Array | Uint32Array> = {};
  for (const [name, values] of Object.entries(forward.inputs(shape, random)))
    at[name] = values instanceof Uint32Array ? values : Float64Array.from(values);
  // Some tensors are there for some shapes only.
  const wrt = Object.fromEntries(Object.entries(back.wrt).filter(([name]) => name in at));
  const outputs = forward.reference(shape, at);
  const cotangent = Float64Array.from(random.floats(outputs[output].length));
  const written = reference(shape, inputs(shape, at, outputs, cotangent));

  const gradient: Record<string, Float64Array> = {};
  for (const [name, { output: where, at: position = (_: unknown, i: number) => i }] of Object.entries(wrt)) {
    gradient[name] = new Float64Array(at[name].length).map((_, i) => {
      const k = position(shape, i);
      return k < 0 ? 0 : written[where][k];
    });
  }
  const norm = Math.hypot(...Object.values(gradient).flatMap((g) => [...g]));

  /** Sum of cotangent * output, `step` along `direction`, and of its terms' absolute values. */
  const loss = (direction: Arrays, step: number) => {
    const moved = { ...at };
    for (const name of Object.keys(direction))
      moved[name] = Float64Array.from(at[name], (v, i) => v + step * direction[name][i]);
    const values = forward.reference(shape, moved)[output];
    let sum = 0;
    let magnitude = 0;
    values.forEach((v, i) => {
      sum += cotangent[i] * v;
      magnitude += Math.abs(cotangent[i] * v);
    });
    return { sum, magnitude };
  };

  const faults: string[] = [];
  const compare = (what: string, direction: Arrays) => {
    const [p1, m1, p2, m2] = [STEP, -STEP, 2 * STEP, -2 * STEP].map((step) => loss(direction, step));
    const difference = (8 * (p1.sum - m1.sum) - (p2.sum - m2.sum)) / (12 * STEP);
    let exact = 0;
    for (const [name, d] of Object.entries(direction))
      for (let i = 0; i < d.length; i++) exact += d[i] * gradient[name][i];
    // The second term is what rounding may do to the sums, divided by the step.
    const allowed = 1e-7 * norm + (1e-15 * p1.magnitude) / STEP;
    if (!(Math.abs(difference - exact) <= allowed))
      faults.push(`${what}: the reference says ${exact}, finite differences ${difference} (+- ${allowed})`);
  };
  for (let k = 0; k < DIRECTIONS; k++) {
    const direction: Record<string, Float64Array> = {};
    for (const name of Object.keys(wrt)) direction[name] = Float64Array.from(random.floats(at[name].length));
    compare(`direction ${k}`, direction);
  }
  for (const name of Object.keys(wrt)) {
    for (const i of new Set(random.integers(SINGLES, at[name].length))) {
      const direction = new Float64Array(at[name].length);
      direction[i] = 1;
      compare(`${name}[${i}]`, { [name]: direction });
    }
  }
  return faults;
}

for (const [name, spec] of specs) {
  if (!spec.gradientOf) continue;
  const small = Object.entries(spec.cases).filter(
    ([_, shape]) => elementCount(spec.kernel.sizes(shape)) < MAX_ELEMENTS,
  );
  describe(`${name} agrees with finite differences`, () => {
    test('in at least one small case', () => expect(small).not.toEqual([]));
    test.each(small)('%s', (_, shape) => {
      expect(gradientFaults(spec, shape).join('\n')).toBe('');
    });
  });
}

test.each([
  ['one part in 100,000 too much', () => 1.00001],
  ['a single wrong element', (i: number) => (i === 33 ? 0 : 1)],
  ['NaN', (i: number) => (i === 5 ? NaN : 1)],
])('finite differences find %s', (_, factor) => {
  const wrong = gradientFaults(swishGrad, { elements: 64 }, (shape, inputs) => {
    const { grad } = swishGrad.reference(shape, inputs);
    return { grad: Float64Array.from(grad, (v, i) => v * factor(i)) };
  });
  expect(wrong).not.toEqual([]);
});
