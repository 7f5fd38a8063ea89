/** Every kernel, in every variant, on every case, against its reference. */
import { describe, test } from 'vitest';
import type { AdapterKind } from '../../src/plan/op';
import { checkKernel, inputsOf } from '../check_kernel';
import { testGpu } from '../lanes/gpu';
import { type AnySpec, specs } from '../registry';
import type { Arrays, Expected } from '../spec';

const { gpu, lane } = await testGpu();

interface Prepared {
  readonly spec: AnySpec;
  readonly shape: unknown;
  readonly inputs: Arrays;
  readonly expected: Record<string, Expected>;
}

/** The variants of a kernel share the inputs and the reference's outputs, which may be large: only the latest are kept. */
const recent: Prepared[] = [];
function prepare(spec: AnySpec, shape: unknown): Prepared {
  let prepared = recent.find((p) => p.spec === spec && p.shape === shape);
  if (!prepared) {
    const inputs = inputsOf(spec, shape);
    prepared = { spec, shape, inputs, expected: spec.reference(shape, inputs) };
    recent.push(prepared);
    if (recent.length > 16) recent.shift();
  }
  return prepared;
}

/** On a processor one lane does for the forms that are made for GPUs: they are the slow ones there. */
const runsHere = (audience?: AdapterKind) => audience !== 'gpu' || !gpu.adapter.software || lane === 'node';

for (const [name, spec] of specs) {
  for (const [variant, { refuses, features = [], for: audience }] of Object.entries(spec.kernel.variants)) {
    if (!runsHere(audience)) continue;
    const lacking = features.filter((feature) => !gpu.device.features.has(feature));
    const cases = Object.entries(spec.cases).filter(([, shape]) => !refuses?.(shape));
    if (lacking.length > 0) {
      test.skip(`${name}.${variant}: the device has no ${lacking}`, () => {});
      continue;
    }
    // Concurrent, so that one case waits for the GPU while the next one's reference is computed.
    describe.concurrent(`${name}.${variant}`, () => {
      test('handles at least one case', ({ expect }) => {
        expect(cases).not.toEqual([]);
      });
      test.for(cases)('%s', async ([, shape]) => {
        const { inputs, expected } = prepare(spec, shape);
        const { pass, share, failure } = await checkKernel(gpu, spec, shape, variant, inputs, expected);
        if (!pass) throw new Error(`${(100 * share).toPrecision(3)}% of the allowed error\n${failure}`);
      });
    });
  }
}
