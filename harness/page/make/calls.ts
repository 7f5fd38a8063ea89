/** Chooses number and kind of network calls for the images of the Make view: few of the distilled network, or more of the network itself. Pure. */
import { callsOf, type Sampling } from '../../../src/unet/sampling';
import { plural } from '../../text/units';
import type { ModelDescription, Order } from '../messages/messages';
import { INSTANT } from '../messages/pretrained';
import {
  type CallsChoice,
  type FlowMethod,
  initialOf,
  type Settings,
  type Source,
} from '../messages/settings';

/**
 * Sampling by each choice of calls, for a network that is not distilled. The choice 8 is the network's own sampling, which takes 8 calls for
 * digits; so is 2 where there is no distilled network.
 */
const STEPS: Readonly<Record<Exclude<CallsChoice, '2'>, { method: FlowMethod; steps: number }>> = {
  '8': { method: 'adams', steps: 4 },
  '40': { method: 'euler', steps: 20 },
};

/** The fewest steps of a network that is not distilled. */
const FEWEST = { method: 'adams', steps: 3 } as const;

/** Settings that leave steps and method to the choice of calls. */
export const AUTOMATIC = { calls: '8', steps: 0, method: 'auto' } as const;

/** The part of an order that chooses the network and the sampling. */
export type Making = Pick<Order, 'source' | 'method' | 'steps' | 'guidance'>;

/** The part of an order that chooses the images. */
export type Wanted = Omit<Order, keyof Making>;

type Chosen = Pick<Settings, 'recipe' | 'calls' | 'steps' | 'method' | 'guidance'>;
type Network = Pick<ModelDescription, 'recipe' | 'classes' | 'sampling'>;

/** Network and sampling for the settings. Open settings follow the choice of calls, or else the network's own sampling. */
export function makingOf(chosen: Chosen, source: Source, { recipe, sampling: own }: Network): Making {
  const { calls, steps, method, guidance } = chosen;
  if (own.calls) return { source, ...flowing(own), guidance: 1 };
  const isOpen = steps === 0 && method === 'auto' && guidance === initialOf(chosen.recipe).guidance;
  if (calls === '2' && isOpen && source === 'pretrained' && recipe !== 'tutorial')
    return { source: 'instant', ...flowing(INSTANT.sampling), guidance: 1 };
  const usual = calls === '2' || calls === '8' ? flowing(own) : STEPS[calls];
  return {
    source,
    steps: steps || usual.steps,
    method: method === 'auto' ? usual.method : method,
    guidance,
  };
}

/** The tutorial's method is no flow's; an order to its network has none. */
const flowing = ({ method, steps }: Sampling) => ({
  steps,
  method: method === 'mix' ? ('euler' as const) : method,
});

/** Network and sampling while the hand moves: the fewest calls that make digits. */
export function handMaking(chosen: Chosen, source: Source, network: Network): Making {
  if (source === 'pretrained' || network.sampling.calls)
    return makingOf({ ...initialOf(chosen.recipe), calls: '2' }, source, network);
  return { source, ...FEWEST, guidance: chosen.guidance };
}

/** Network calls per image, in words. Sampling from an unconditional network has no guidance. */
export function callsText(
  { steps, method, guidance }: Making,
  { recipe, classes, sampling }: Network,
): string {
  const { polish } = sampling;
  const flow = { method, steps, polish, ...(classes > 0 ? { guidance } : {}) };
  return plural(callsOf(recipe === 'tutorial' ? { method: 'mix', steps } : flow), 'network call');
}

const METHODS: Readonly<Record<FlowMethod, string>> = { euler: 'Euler', heun: 'Heun', adams: 'Adams' };

/** Steps and their method: `4 steps of Adams`. */
export function stepsText({ source, steps, method }: Making, { recipe }: Network): string {
  const taught = source === 'instant' && 'a network taught to do it in two';
  return `${plural(steps, 'step')}${recipe === 'tutorial' ? '' : ` of ${taught || METHODS[method]}`}`;
}

/** The choice of calls that gives this sampling; undefined if none does. */
export function choiceOf({ source, steps, method }: Making): CallsChoice | undefined {
  if (source === 'instant') return '2';
  return (['8', '40'] as const).find(
    (choice) => STEPS[choice].steps === steps && STEPS[choice].method === method,
  );
}
