/** Every kernel, in every variant, on every case, against its reference. */
import { test } from 'vitest';
import { checkKernel, makeInputs, textName } from '../../harness/specs/lib/check_kernel';
import { type AnySpec, specs } from '../../harness/specs/lib/registry';
import { type Arrays, computeExpected, type Expected } from '../../harness/specs/lib/spec';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { testGpu } from '../lib/gpu';

const { gpu, kinds } = await testGpu();

interface Prepared {
  readonly inputs: Arrays;
  readonly expected: Record<string, Expected>;
}

/** Called by all variants of a kernel in turn, of which two run at the same time: the reference costs more than they do. */
function once(spec: AnySpec, shape: unknown, users: number): () => Prepared {
  let prepared: Prepared | undefined;
  let left = users;
  return () => {
    if (!prepared) {
      const inputs = makeInputs(spec, shape);
      prepared = { inputs, expected: computeExpected(spec, shape, inputs) };
    }
    const given = prepared;
    // The large ones are not kept.
    if (--left === 0) prepared = undefined;
    return given;
  };
}

/** Cases of more work than the UNet's layers, or of more numbers, run where the forms for GPUs do. */
const runsAll = kinds.includes('gpu');
const MUCH_FLOPS = 1e8;
const MANY_NUMBERS = 5e5;

/**
 * Whether a form of Winograd has done the like in another of the cases from 8 to 15 wide: these are there for the rests of its tile, and a
 * product, which is all that subgroups change, knows no width.
 */
function repeats(title: string, variant: string): boolean {
  const width = Number(/^(\d+) wide/.exec(title)?.[1]);
  const tile = Number(/^winograd(\d+)/.exec(variant)?.[1]);
  return tile > 0 && width >= (variant.endsWith('_subgroups') ? 8 : 8 + tile);
}

/** A browser adds a compiler: each shader that it compiles runs on the network's layers and on this number of other cases. */
const CASES_IN_BROWSERS = 4;
const casesOf = new Map<string, number>();

/** Whether a browser has run the shaders of this case on enough others. */
function isKnown(spec: AnySpec, shape: unknown, variant: string): boolean {
  const sizes = Object.entries(spec.kernel.sizes(shape));
  const tensors = Object.fromEntries(sizes.map(([name, size]) => [name, tensor(name, size)]));
  const { calls } = op(spec.kernel, 'check', shape, tensors, variant);
  const shaders = calls.map(({ shader }) => shader.name).join();
  const before = casesOf.get(shaders) ?? 0;
  casesOf.set(shaders, before + 1);
  return before >= CASES_IN_BROWSERS;
}

for (const [name, spec] of specs) {
  const able = Object.entries(spec.kernel.variants).filter(
    ([_, { for: kind, features = [] }]) =>
      (!kind || kinds.includes(kind)) && features.every((feature) => gpu.device.features.has(feature)),
  );
  for (const [title, shape] of Object.entries(spec.cases)) {
    const numbers = Object.values<number>(spec.kernel.sizes(shape)).reduce((a, b) => a + b, 0);
    const isLarge = spec.kernel.cost(shape).flops > MUCH_FLOPS || numbers > MANY_NUMBERS;
    if (!runsAll && isLarge) continue;
    const handling = able.filter(([_, { refuses }]) => !refuses?.(shape));
    // A case of many numbers runs on one of the forms that share a text; in browsers, each case does, but a layer's.
    const first = handling.filter(
      ([variant], i) => handling.findIndex(([other]) => textName(other) === textName(variant)) === i,
    );
    const differs = title.startsWith('UNet') || (runsAll && numbers < MANY_NUMBERS);
    const plain = (differs ? handling : first).filter(
      ([variant]) =>
        !repeats(title, variant) && (runsAll || title.startsWith('UNet') || !isKnown(spec, shape, variant)),
    );
    const others = handling.filter((form) => !plain.includes(form));
    for (const [forms, tags] of [
      [plain, []],
      [others, ['nightly']],
    ] as const) {
      const prepare = once(spec, shape, forms.length);
      // Concurrent, so that one waits for the GPU while something is computed for the next one.
      test.concurrent.for(forms)(
        `${name}.%s: ${title}, as the reference`,
        { tags: [...tags] },
        async ([variant]) => {
          const { inputs, expected } = prepare();
          const { pass, failure } = await checkKernel(gpu, spec, shape, variant, inputs, expected);
          if (!pass) throw new Error(failure);
        },
      );
    }
  }
}
