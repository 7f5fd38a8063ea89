/** The flags for sampling, and the sampling that they result in for a model. */
import { findRecipe, samplingFor } from '../../src/recipes';
import {
  countCalls,
  isGuidanceRange,
  isPolish,
  METHODS,
  MOST_NOISES,
  type Polish,
  type Sampling,
} from '../../src/unet/sampling';
import type { Model } from '../../src/weights/model';
import { USUAL_SIDE } from '../pictures/small_pictures';
import { chooseEnlarge, ENLARGE, type Enlarge } from '../run/enlarging';
import { plural } from '../text/units';
import { type Flag, type Given, integer, number, numberIn, oneOf, show, UsageError } from './args';

const range: Flag<readonly [number, number]> = {
  value: 'LOW,HIGH',
  help: 'the levels at which guidance acts, 0 to 1, both included; for euler\nand adams (default: all)',
  parse: (given, name) => {
    const levels = given.split(',').map(numberIn);
    if (isGuidanceRange(levels)) return levels;
    throw new UsageError(
      `--${name} is ${show(given)}; it must be two levels from 0 to 1, the lower one first, such as 0.2,0.8.`,
    );
  },
};

const polish: Flag<Polish | false> = {
  value: 'NOISES,LEVEL',
  help: 'after the last step, new noise on the finished image and the mean of what\nthe network predicts, against grain: 4,0.2, or none (default: as the model\nsays)',
  parse: (given, name) => {
    if (given === 'none') return false;
    const [noises, level, ...more] = given.split(',').map(numberIn);
    const polish = { noises, level };
    if (more.length === 0 && isPolish(polish)) return polish;
    throw new UsageError(
      `--${name} is ${show(given)}; it must be 1 to ${MOST_NOISES} noises and a level from 0.001 to 1, such as 4,0.2, or none.`,
    );
  },
};

export const samplingFlags = {
  steps: integer('N', 'sampling steps (default: as the model says, or its recipe)', 1, 1000),
  method: oneOf(
    "mix is the tutorial's; the others follow a flow\n(default: as the model says, or its recipe)",
    ...METHODS,
  ),
  guidance: number(
    'X',
    'strength of the guidance towards the class: 1 is the network alone, more\nis plainer and less varied (default: as the model says, or its recipe)',
    0,
    100,
  ),
  'guidance-range': range,
  polish,
  seed: integer('N', 'fixes the noise that the images start from (default 123)', 0, 0xffffffff),
};

/** `usual`: what it is without the flag. */
export const enlargeFlag = (usual: string) =>
  oneOf(
    `finished images in colour, of ${USUAL_SIDE} pixels or less: smooth at twice the side,\nby a network that knows icons, or their own pixels (default ${usual})`,
    ...ENLARGE,
  );

/** As `chooseEnlarge`. Throws UsageError if the enlarger is asked for images that it does not know. */
export function enlargeBy(
  given: Enlarge | undefined,
  model: Pick<Model, 'config' | 'objective'>,
  isShrunk?: boolean,
): Enlarge | undefined {
  const way = chooseEnlarge({ ...model.config, recipe: findRecipe(model) }, given, isShrunk);
  if (given !== 'smooth' || way) return way;
  throw new UsageError(
    `--enlarge is smooth, but only images in colour of the recipe pictures can be enlarged, of at most ${USUAL_SIDE} pixels a side. Leave it out.`,
  );
}

/** Steps of a method that is not the model's own. */
const STEPS = { mix: 50, euler: 20, heun: 20, adams: 20 };

/** The model's sampling options, changed by the flags. Throws UsageError for flags that do not suit the model. */
export function chosenSampling(given: Given<typeof samplingFlags>, model: Model): Sampling {
  const usual = samplingFor(model);
  if (usual.calls !== undefined) return distilled(given, usual);
  const { method = usual.method } = given;
  const flow = model.objective === 'flow';
  const fits = method === 'mix' ? !flow : flow || model.config.conditioning?.noiseLevel;
  if (given.method && !fits) {
    const legal = METHODS.filter((name) => (name === 'mix') !== flow).join(', ');
    throw new UsageError(
      `--method is ${method}, but this network ${flow ? 'follows a flow' : 'is trained as in the tutorial'}; it must be ${legal}.`,
    );
  }
  const { steps = method === usual.method ? usual.steps : STEPS[method] } = given;
  if (method === 'mix' && given.polish) {
    throw new UsageError(
      `--polish is ${polishFlag(given.polish)}, but the method mix has none. Leave it out.`,
    );
  }
  const polish = method !== 'mix' && (given.polish ?? usual.polish);
  const shift = method === 'adams' ? usual.shift : undefined;
  const others = { ...(shift ? { shift } : {}), ...(polish ? { polish } : {}) };
  const classes = model.config.conditioning?.classes ?? 0;
  if (classes === 0 || method === 'mix') {
    const flag = (['guidance', 'guidance-range'] as const).find((name) => given[name] !== undefined);
    if (!flag) return { method, steps, ...others };
    throw new UsageError(
      `--${flag} is ${given[flag]}, but ${classes === 0 ? 'this network has no classes' : 'the method mix has none'}. Leave it out${classes === 0 ? ', or use a model of --recipe digits' : ''}.`,
    );
  }
  if (method === 'heun' && given['guidance-range']) {
    throw new UsageError(
      `--guidance-range is ${given['guidance-range']}, but the method heun has none. Leave it out, or take euler or adams.`,
    );
  }
  const { guidance = usual.guidance ?? 2 } = given;
  const { 'guidance-range': guidanceRange = method === 'heun' ? undefined : usual.guidanceRange } = given;
  return { method, steps, guidance, ...(guidanceRange ? { guidanceRange } : {}), ...others };
}

const polishFlag = ({ noises, level }: Polish) => `${noises},${level}`;

/** A distilled network is sampled in one way. */
function distilled(given: Given<typeof samplingFlags>, sampling: Sampling): Sampling {
  const { steps, method, guidance } = sampling;
  const only = { steps, method, guidance, 'guidance-range': undefined, polish: undefined };
  const values = { ...given, polish: given.polish ? polishFlag(given.polish) : undefined };
  for (const [flag, legal] of Object.entries(only)) {
    const now = values[flag as keyof typeof only];
    if (now === undefined || now === legal) continue;
    throw new UsageError(
      `--${flag} is ${now}, but this network is distilled to ${plural(steps, 'call')}: ${plural(steps, 'step')} of ${method} at guidance 1. Leave it out, or use the model that it was distilled from.`,
    );
  }
  return sampling;
}

/** `20 steps of euler, guidance 2: 40 network calls`, or `2 steps of euler, distilled to 2 calls`. */
export function samplingText(sampling: Sampling): string {
  const { method, steps, guidance, guidanceRange, shift, polish, calls } = sampling;
  const way = `${plural(steps, 'step')} of ${method}`;
  if (calls !== undefined) return `${way}, distilled to ${plural(calls, 'call')}`;
  const guided = guidance === undefined ? '' : `, guidance ${guidance}`;
  const within = guidanceRange ? ` from level ${guidanceRange[0]} to ${guidanceRange[1]}` : '';
  const polished = polish ? `, polished by ${plural(polish.noises, 'noise')} of level ${polish.level}` : '';
  const shifted = shift ? `, levels shifted by ${shift}` : '';
  return `${way}${guided}${within}${shifted}${polished}: ${plural(countCalls(sampling), 'network call')}`;
}
