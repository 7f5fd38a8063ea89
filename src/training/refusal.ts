/** Steps that are not made, since they are not finite: why, and what to do about it. */
import { EngineError } from '../errors';
import type { BatchSource } from './batch';
import type { Losses, StepRecord } from './losses';

/** As many steps tell whether the loss had grown. */
const RECENT = 100;
/** The network can make something of numbers up to this; the square of a larger one is near the end of 32-bit floats. */
const LARGEST_INPUT = 1e9;

const show = (loss: number) => Number(loss.toPrecision(3));

/** Why a step changed no weight, as finish_step has it; undefined if it did. `layers`: of each block of gradients. */
export function whyNot({ loss, cause }: StepRecord, layers: readonly string[]): string | undefined {
  if (cause === 0) return undefined;
  if (cause === 1) return `its loss is ${show(loss)}`;
  return `the gradient of ${layers[cause - 2]} or its square is not finite, at a loss of ${show(loss)}`;
}

/** What is wrong with the batch of such a step, if anything is: the first value that no network can make something of. */
export async function wrongInput(
  sources: readonly BatchSource[],
  read: (source: BatchSource) => Promise<ArrayBuffer>,
): Promise<string | undefined> {
  for (const source of sources) {
    if (source.to === 'classes') continue;
    const values = new Float32Array(await read(source));
    const at = values.findIndex((value) => !(Math.abs(value) <= LARGEST_INPUT));
    if (at >= 0) return `${source.name}[${at}] of its batch is ${values[at]}`;
  }
  return undefined;
}

/** `step` was not made for its input. */
export const badInput = (step: number, wrong: string) =>
  new EngineError(
    'argument',
    `Step ${step} was not made: ${wrong}. Nothing has changed; give a batch of finite numbers, images of about -1 to 1.`,
  );

/** The step after those of `known` was not made. `made`: how many of those this trainer did. */
export function divergence(known: Losses, why: string, rate: number, made: number): EngineError {
  const { step } = known;
  const losses = [...known.last(Math.min(made, RECENT)), known.refused!.loss].filter(Number.isFinite);
  const last = losses[losses.length - 1];
  const usual = losses.sort((a, b) => a - b)[(losses.length - 1) >> 1];
  const smaller = `Go back to an earlier checkpoint and use a smaller learning rate than ${rate}, a warm-up or clipNorm.`;
  const cause =
    made === 0
      ? 'No step went before, so it is the weights or the state that training began with: they are too large. Give others.'
      : last > 4 * usual
        ? `The loss had grown, from about ${show(usual)} to ${show(last)}: the learning rate is too large. ${smaller}`
        : `The loss before was ${show(last)} and had not grown, so the last update alone was too much. ${smaller}`;
  return new EngineError(
    'diverged',
    `Step ${step + 1} was not made: ${why}. The weights are those after step ${step}. ${cause}`,
  );
}
