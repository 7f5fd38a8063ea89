import { isFloats } from '../base/arrays';
import { EngineError, nonFinite, show } from '../base/errors';
import { showShape, type Tensor } from './safetensors';

/** A tensor of type F32. */
export interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly mayBeNaN?: boolean;
}

/** A message lists at most this many differences. */
const listed = 8;

/**
 * Checks that `given` holds exactly the expected tensors, with their shapes, and only finite numbers.
 *
 * @param source the name of the given tensors in errors, for instance a file's name
 * @param misfit the error's code for tensors of another network; for values that are not finite it is `data`
 * @throws EngineError one error for everything wrong: missing, misshapen, non-finite (first index and value) and unexpected tensors
 */
export function checkTensors(
  expected: Iterable<ExpectedTensor>,
  given: ReadonlyMap<string, Tensor>,
  source: string,
  misfit: 'data' | 'argument' = 'data',
): void {
  const problems: string[] = [];
  let fits = true;
  const known = new Set<string>();
  for (const want of expected) {
    known.add(want.name);
    const tensor = given.get(want.name);
    const unlike = difference(want, tensor);
    if (unlike) fits = false;
    const problem = unlike ?? nonFinite(tensor!.data, want.mayBeNaN);
    if (problem) problems.push(`${want.name} ${problem}`);
  }
  for (const [name, { shape }] of given) {
    if (known.has(name)) continue;
    fits = false;
    problems.push(`${show(name)} ${showShape(shape)} is not known to this network`);
  }
  if (problems.length === 0) return;

  const lines = problems.slice(0, listed);
  if (problems.length > listed) lines.push(`and ${problems.length - listed} more`);
  const remedy = fits
    ? 'All values must be finite: if training had diverged when they were saved, take an earlier state.'
    : 'Build the network with the channels, widths and kernel size that the tensors were made for.';
  throw new EngineError(
    fits ? 'data' : misfit,
    `${source} cannot be used in this network: ${known.size} tensors expected, ${given.size} given, ` +
      `${problems.length} wrong:\n${lines.map((line) => `  ${line}`).join('\n')}\n${remedy}`,
  );
}

/** Describes the difference of `tensor` from the wanted one; undefined if there is none. */
function difference(want: ExpectedTensor, tensor: Tensor | undefined): string | undefined {
  const wanted = showShape(want.shape);
  if (!tensor) return `${wanted} is missing`;
  const { shape, data } = tensor;
  if (!isFloats(data)) return 'is U32, expected F32';

  if (shape.length !== want.shape.length || shape.some((size, i) => size !== want.shape[i])) {
    const reordered = [...shape].sort().join() === [...want.shape].sort().join();
    const order = want.name.endsWith('.weight')
      ? 'weights of PyTorch are out, in, height, width'
      : 'kernels are height, width, in, out here';
    const hint = reordered ? `: the same sizes in another order; ${order}` : '';
    return `has shape ${showShape(shape)}, expected ${wanted}${hint}`;
  }
  return undefined;
}
