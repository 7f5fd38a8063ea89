/** What compilers make of the shaders. */
import { shaders } from 'virtual:shaders';
import { expect, test } from 'vitest';
import { guardsOf } from '../../harness/tools/gpu/gpu_code/guards';

test('compilers add no bounds checks to the loops of products, tiles and the conditioning', async () => {
  const codes: Record<string, string> = {};
  for (const { name, code } of Object.values(shaders))
    if (
      /_product$|\.one_output_(3x3_)?gpu$|\.tile$|^(conditioning|conditioning_grad|sum_pixels)\.gpu/.test(
        name,
      )
    )
      codes[name] = await code();
  expect(Object.keys(codes)).toHaveLength(15);
  // A loop that counts up to a number of the GPU's has one.
  const guarded = codes['conv2d.winograd_product'].replace(
    'for (var channels = params.cin; channels > 0u; channels--)',
    'for (var channels = 0u; channels < params.cin; channels++)',
  );
  const { guarded: one, ...guards } = await guardsOf({ ...codes, guarded });
  expect(one).toBe(1);
  expect(guards).toEqual(Object.fromEntries(Object.keys(codes).map((name) => [name, 0])));
});
