/** Errors for steps that the GPU refused because they were not finite: the cause, and what the caller can do. */
import { argumentError, EngineError } from '../base/errors';
import type { BatchPart } from './batch';
import type { Losses, StepRecord } from './losses';
import { LOSS_RING } from './step_config';

/** Number of recent steps from which to see if the loss had grown. */
const RECENT = 100;
/** No image has larger values; a network may well overflow on them. */
const LARGEST_INPUT = 1e9;

const rounded = (loss: number) => Number(loss.toPrecision(3));

/** The reason why a step changed no weight, from finish_step's record; undefined if it did. `layers` has the layer of each block of gradients. */
export function whyNot({ loss, cause }: StepRecord, layers: readonly string[]): string | undefined {
  if (cause === 0) return undefined;
  if (cause === 1) return `its loss is ${rounded(loss)}`;
  return `the gradient of ${layers[cause - 2]} or its square is not finite, at a loss of ${rounded(loss)}`;
}

/** Describes the first value of a batch (`whose`) that is non-finite or far too large; undefined if there is none. */
export async function wrongInput<Part extends BatchPart>(
  parts: readonly Part[],
  read: (part: Part) => Promise<ArrayBuffer>,
  whose = 'its batch',
): Promise<string | undefined> {
  for (const part of parts) {
    if (part.to === 'classes') continue;
    const values = new Float32Array(await read(part));
    const at = values.findIndex((value) => !(Math.abs(value) <= LARGEST_INPUT));
    if (at >= 0) return `${part.name}[${at}] of ${whose} is ${values[at]}`;
  }
  return undefined;
}

/** The error for a step that was refused because of its input. */
export const badInput = (step: number, wrong: string) =>
  argumentError(
    `Step ${step} was not made: ${wrong}. Nothing has changed; give a batch of finite numbers, images of about -1 to 1.`,
  );

/** The remark that only the last recorded batch can still be examined. */
const OVERWRITTEN =
  ' If another step was recorded after it, its batch may be at fault, too: look there for a value that is not finite.';

/**
 * The error for the refused step that follows the steps of `known`, of which this trainer made `steps`. `layers` as for `whyNot`;
 * `recorded`: it may be a recorded step.
 */
export function divergence(
  known: Losses,
  layers: readonly string[],
  rate: number,
  steps: number,
  recorded = false,
): EngineError {
  const { step } = known;
  const refused = known.refused!;
  const all = known.last(Math.min(steps, LOSS_RING));
  const before = [...all.slice(-RECENT)].filter(Number.isFinite);
  const usual = before.toSorted((a, b) => a - b)[(before.length - 1) >> 1];
  const last = Number.isFinite(refused.loss) ? refused.loss : before[before.length - 1];
  const smaller = `Go back to an earlier checkpoint and use a smaller learning rate than ${rate}, a warm-up or clipNorm.`;
  const wasMade = steps > LOSS_RING || all.some(Number.isFinite);
  const none = wasMade
    ? `None of the last ${RECENT} steps was made either, so the weights are too large. ${smaller}`
    : 'None was made before it, so it is the weights or the state that training began with: they are too large. Give others.';
  const cause =
    before.length === 0
      ? none
      : last > 4 * usual
        ? `The loss had grown, from about ${rounded(usual)} to ${rounded(last)}: the learning rate is too large. ${smaller}`
        : `The loss before was ${rounded(last)} and had not grown, so the last update alone was too much. ${smaller}`;
  return new EngineError(
    'diverged',
    `Step ${step + 1} was not made: ${whyNot(refused, layers)}. The weights are those after step ${step}. ${cause}${recorded ? OVERWRITTEN : ''}`,
  );
}

/** The error for a GPU that made fewer steps than it was given. */
export const lostSteps = (given: number, steps: number) =>
  new EngineError(
    'shader',
    `Of ${given === 1 ? 'a step' : `${given} steps`} the GPU made ${steps}. Either its driver is at fault, or a recorded step was submitted meanwhile: submit those before.`,
  );
