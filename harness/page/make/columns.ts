/** The two columns of a comparison on the Make view, and how each is made. Pure. */
import { plural } from '../../text/units';
import type { ModelDescription } from '../messages/messages';
import { type CallsChoice, type ColumnChoice, initialOf } from '../messages/settings';
import type { App } from '../shell/app';
import { networkIn } from '../shell/state';
import { type Making, makingOf } from './calls';

export type Pair = readonly [ColumnChoice, ColumnChoice];

export const NAMES: Readonly<Record<ColumnChoice, string>> = {
  ...{ 'calls-2': '2 calls', 'calls-8': '8 calls', 'calls-40': '40 calls' },
  ...{ 'guidance-1': 'guidance 1', 'guidance-2': 'guidance 2', 'guidance-4': 'guidance 4' },
  ...{ pretrained: 'the pretrained network', run: 'this run' },
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
export function columnOf(choice: ColumnChoice, { settings, state, source }: Page): Making | string {
  const chosen = networkIn(source, state, settings);
  const usual = initialOf(settings.recipe);
  if (choice === 'pretrained' || choice === 'run') {
    if (state.losses.length === 0) return 'There is no run to compare with: train one first.';
    const pretrained = networkIn('pretrained', state, settings);
    const run = networkIn('run', state, settings);
    if (run.recipe === 'tutorial' || thingsOf(pretrained) !== thingsOf(run))
      return `The pretrained network and this run make different things: ${thingsOf(pretrained)}, and ${thingsOf(run)}.`;
    return makingOf(usual, choice, choice === 'run' ? run : pretrained);
  }
  if (chosen.recipe === 'tutorial') return 'The tutorial’s network has no guidance, and one way of sampling.';
  if (chosen.sampling.calls)
    return `This network is distilled to ${plural(chosen.sampling.calls, 'call')}: that is its only way.`;
  const [kind, value] = choice.split('-');
  if (kind === 'guidance') {
    if (chosen.classes === 0) return 'This network knows no classes, so guidance changes nothing.';
    return { ...makingOf(usual, source, chosen), guidance: Number(value) };
  }
  if (value === '2' && source !== 'pretrained')
    return 'The two-call network was taught by the pretrained one. This network has none yet: distil it in Train.';
  return makingOf({ ...usual, calls: value as CallsChoice }, source, chosen);
}

const thingsOf = ({ height, width, channels, classes }: Omit<ModelDescription, 'name'>) =>
  `${height} × ${width} pixels ${channels === 3 ? 'in colour' : 'in grey'} of ${classes > 0 ? `${classes} classes` : 'no classes'}`;

/** The columns with which a comparison opens; undefined where these networks can show none. */
export const usualPair = (page: Page): Pair | undefined =>
  USUAL.find((pair) => pair.every((choice) => typeof columnOf(choice, page) !== 'string'));

/** The columns that are compared, of which the settings may leave one open; undefined where none are. */
export function pairIn(page: Page): Pair | undefined {
  const { left, right } = page.settings;
  const { recipe } = networkIn(page.source, page.state, page.settings);
  if (recipe === 'tutorial' || (!left && !right)) return undefined;
  const usual = usualPair(page) ?? USUAL[0];
  return [left || usual[0], right || usual[1]];
}
