/** How many network calls the images of the Make tab take, and how: few of the distilled network, or more of the network itself. Pure. */
import { callsOf, type Sampling } from '../../../src/unet/sampling';
import { INSTANT } from '../shell/pretrained';
import {
  type CallsChoice,
  callsChoices,
  type FlowMethod,
  initialOf,
  type PageRecipe,
  type Settings,
  type Source,
} from '../shell/settings';
import type { ModelDescription, Order } from '../worker/messages';

/** What the choices mean to a network that is not distilled; 2 leaves it to the network's own sampling. */
const STEPS: Readonly<Record<Exclude<CallsChoice, '2'>, { method: FlowMethod; steps: number }>> = {
  '6': { method: 'adams', steps: 3 },
  '8': { method: 'adams', steps: 4 },
  '40': { method: 'euler', steps: 20 },
};

/** Leaves to the calls what else could be set. */
export const OPEN = { calls: '2', steps: 0, method: 'auto' } as const;

/** The part of an order that says how it is sampled, and by whom. */
export type Making = Pick<Order, 'source' | 'method' | 'steps' | 'guidance'>;

type Chosen = Pick<Settings, 'recipe' | 'calls' | 'steps' | 'method' | 'guidance'>;
type Network = Pick<ModelDescription, 'recipe' | 'classes' | 'sampling'>;

/** What the settings ask a network for. What they leave open is as the choice of calls has it, or else the network's own sampling. */
export function makingOf(chosen: Chosen, source: Source, { recipe, sampling: own }: Network): Making {
  const { calls, steps, method, guidance } = chosen;
  if (own.calls) return { source, ...flowing(own), guidance: 1 };
  const isOpen = steps === 0 && method === 'auto' && guidance === initialOf(chosen.recipe).guidance;
  if (calls === '2' && isOpen && source === 'pretrained' && recipe !== 'tutorial')
    return { source: 'instant', ...flowing(INSTANT.sampling), guidance: 1 };
  const usual = calls === '2' ? flowing(own) : STEPS[calls];
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

/** While the hand moves: the fewest calls that make digits. */
export function handMaking(chosen: Chosen, source: Source, network: Network): Making {
  const open = { ...initialOf(chosen.recipe), guidance: chosen.guidance };
  if (source === 'pretrained') return makingOf(initialOf(chosen.recipe), source, network);
  return network.sampling.calls
    ? makingOf(open, source, network)
    : { source, ...STEPS['6'], guidance: chosen.guidance };
}

/** The calls of the network that a making takes. One that is told no classes is not guided. */
export const callsIn = ({ steps, method, guidance }: Making, { recipe, classes }: Network): number =>
  callsOf(
    recipe === 'tutorial'
      ? { method: 'mix', steps }
      : { method, steps, ...(classes > 0 ? { guidance } : {}) },
  );

/** The choice that a making is; undefined if it is another. */
export function choiceOf({ source, steps, method }: Making): CallsChoice | undefined {
  if (source === 'instant') return '2';
  return callsChoices.find(
    (choice) => choice !== '2' && STEPS[choice].steps === steps && STEPS[choice].method === method,
  );
}

/** The settings that ask for a making again. */
export function settingsFor(recipe: PageRecipe, making: Making): Omit<Chosen, 'recipe'> {
  const { guidance, steps, method } = making;
  if (recipe === 'tutorial') return { ...OPEN, steps, guidance };
  const calls = choiceOf(making);
  if (calls === '2') return { ...OPEN, guidance: initialOf(recipe).guidance };
  return calls ? { ...OPEN, calls, guidance } : { calls: '2', steps, method, guidance };
}
