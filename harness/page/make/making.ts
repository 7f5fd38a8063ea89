/** How images of the Make view are made: network and sampling as the settings say, under the hand, and of a column of a comparison. Pure. */
import { countCalls, type Sampling } from '../../../src/unet/sampling';
import { plural } from '../../text/units';
import type { ModelDescription, Order } from '../messages/messages';
import { INSTANT } from '../messages/pretrained';
import {
  type CallsChoice,
  type ColumnChoice,
  type FlowMethod,
  initialFor,
  type NetworkSource,
  type Settings,
} from '../messages/settings';
import type { App } from '../shell/app';
import { networkIn } from '../shell/state';

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
export function planMaking(
  chosen: Chosen,
  source: NetworkSource,
  { recipe, sampling: own }: Network,
): Making {
  const { calls, steps, method, guidance } = chosen;
  if (own.calls) return { source, ...flowing(own), guidance: 1 };
  const isOpen = steps === 0 && method === 'auto' && guidance === initialFor(chosen.recipe).guidance;
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
export function handMaking(chosen: Chosen, source: NetworkSource, network: Network): Making {
  if (source === 'pretrained' || network.sampling.calls)
    return planMaking({ ...initialFor(chosen.recipe), calls: '2' }, source, network);
  return { source, ...FEWEST, guidance: chosen.guidance };
}

/** Network calls per image, in words. Sampling from an unconditional network has no guidance. */
export function callsText(
  { steps, method, guidance }: Making,
  { recipe, classes, sampling }: Network,
): string {
  const { polish } = sampling;
  const flow = { method, steps, polish, ...(classes > 0 ? { guidance } : {}) };
  return plural(countCalls(recipe === 'tutorial' ? { method: 'mix', steps } : flow), 'network call');
}

const METHODS: Readonly<Record<FlowMethod, string>> = { euler: 'Euler', heun: 'Heun', adams: 'Adams' };

/** Steps and their method: `4 steps of Adams`. */
export function stepsText({ source, steps, method }: Making, { recipe }: Network): string {
  const taught = source === 'instant' && 'a network taught to do it in two';
  return `${plural(steps, 'step')}${recipe === 'tutorial' ? '' : ` of ${taught || METHODS[method]}`}`;
}

/** The choice of calls that gives this sampling; undefined if none does. */
export function callsChoice({ source, steps, method }: Making): CallsChoice | undefined {
  if (source === 'instant') return '2';
  return (['8', '40'] as const).find(
    (choice) => STEPS[choice].steps === steps && STEPS[choice].method === method,
  );
}

// ---------------------------------------------------------------- columns

export type Pair = readonly [ColumnChoice, ColumnChoice];

export const NAMES: Readonly<Record<ColumnChoice, string>> = {
  'calls-2': '2 calls',
  'calls-8': '8 calls',
  'calls-40': '40 calls',
  'guidance-1': 'guidance 1',
  'guidance-2': 'guidance 2',
  'guidance-4': 'guidance 4',
  pretrained: 'the pretrained network',
  run: 'this run',
};

/** The columns with which a comparison opens: the first that its networks can show. */
const USUAL: readonly Pair[] = [
  ['calls-2', 'calls-40'],
  ['guidance-1', 'guidance-4'],
  ['calls-8', 'calls-40'],
  ['pretrained', 'run'],
];

type Page = Pick<App, 'settings' | 'state' | 'source'>;

/** How a column is made, or the sentence that says why it cannot be. */
export function columnMaking(choice: ColumnChoice, { settings, state, source }: Page): Making | string {
  const chosen = networkIn(source, state, settings);
  const usual = initialFor(settings.recipe);
  if (choice === 'pretrained' || choice === 'run') {
    if (state.losses.length === 0) return 'There is no run to compare with: train one first.';
    const pretrained = networkIn('pretrained', state, settings);
    const run = networkIn('run', state, settings);
    if (run.recipe === 'tutorial' || thingsOf(pretrained) !== thingsOf(run))
      return `The pretrained network and this run make different things: ${thingsOf(pretrained)}, and ${thingsOf(run)}.`;
    return planMaking(usual, choice, choice === 'run' ? run : pretrained);
  }
  if (chosen.recipe === 'tutorial') return 'The tutorial’s network has no guidance, and one way of sampling.';
  if (chosen.sampling.calls)
    return `This network is distilled to ${plural(chosen.sampling.calls, 'call')}: that is its only way.`;
  const [kind, value] = choice.split('-');
  if (kind === 'guidance') {
    if (chosen.classes === 0) return 'This network knows no classes, so guidance changes nothing.';
    return { ...planMaking(usual, source, chosen), guidance: Number(value) };
  }
  if (value === '2' && source !== 'pretrained')
    return 'The two-call network was taught by the pretrained one. This network has none yet: distil it in Train.';
  return planMaking({ ...usual, calls: value as CallsChoice }, source, chosen);
}

const thingsOf = ({ height, width, channels, classes }: Omit<ModelDescription, 'name'>) =>
  `${height} × ${width} pixels ${channels === 3 ? 'in colour' : 'in grey'} of ${classes > 0 ? `${classes} classes` : 'no classes'}`;

/** The columns with which a comparison opens; undefined where these networks can show none. */
export const usualPair = (page: Page): Pair | undefined =>
  USUAL.find((pair) => pair.every((choice) => typeof columnMaking(choice, page) !== 'string'));

/** The columns that are compared, of which the settings may leave one open; undefined where none are. */
export function pairIn(page: Page): Pair | undefined {
  const { left, right } = page.settings;
  const { recipe } = networkIn(page.source, page.state, page.settings);
  if (recipe === 'tutorial' || (!left && !right)) return undefined;
  const usual = usualPair(page) ?? USUAL[0];
  return [left || usual[0], right || usual[1]];
}
