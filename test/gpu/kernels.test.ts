/** Every kernel, in every variant, on every case, against its reference. */
import { describe, expect, test } from 'vitest';
import { checkKernel } from '../check_kernel';
import { testGpu } from '../lanes/gpu';
import { specs } from '../registry';

const { gpu } = await testGpu();

for (const [name, spec] of specs) {
  const cases = Object.entries(spec.cases);
  for (const [variant, { refuses }] of Object.entries(spec.kernel.variants)) {
    describe(`${name}.${variant}`, () => {
      test('handles at least one case', () => {
        const reasons = cases.map(([title, shape]) => `${title}: ${refuses?.(shape) ?? 'handled'}`);
        expect(
          reasons.filter((reason) => reason.endsWith(': handled')),
          reasons.join('\n'),
        ).not.toEqual([]);
      });
      for (const [title, shape] of cases) {
        test(title, async (context) => {
          const reason = refuses?.(shape);
          if (reason) context.skip(reason);
          const { pass, share, failure } = await checkKernel(gpu, spec, shape, variant);
          expect(pass, `${(100 * share).toPrecision(3)}% of the allowed error\n${failure}`).toBe(true);
        });
      }
    });
  }
}
