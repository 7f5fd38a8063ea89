/** The names of the files that the page saves. Pure. */
import { DIGITS } from '../../../src/data/digits';
import type { ModelDescription, Order } from './messages';
import type { Settings } from './settings';

/** The most characters of an order's text in the name of a file. */
const MOST_TEXT = 60;

/** Most characters of a data set's name in a file's. */
const LONGEST = 24;

/** What a file is named after: the recipe, or the images that the network was trained on where these are not the digits. */
function namedAfter(recipe: string, data: string | undefined): string {
  if (data === undefined || data === DIGITS) return recipe;
  const name = data
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, LONGEST);
  return name.replace(/^-|-$/g, '') || recipe;
}

/**
 * `digits-checkpoint-step-200-seed-123.safetensors`.
 *
 * @param data the name of the images that the run trains on
 */
export const runFileName = (
  { recipe, seed }: Pick<Settings, 'recipe' | 'seed'>,
  data: string | undefined,
  what: string,
  ending: string,
): string => `${namedAfter(recipe, data)}-${what}-seed-${seed}.${ending}`;

/** `digits-2026-step-20-of-20-seed-123-at-50-37.5.png`: all that is needed to make it again, but for guidance and method. */
export function fileName(
  { recipe, data }: Pick<ModelDescription, 'recipe' | 'data'>,
  { source, text, digit, steps, seed, place }: Order,
  step: number | 'all',
  ending: string,
): string {
  const network = namedAfter(source === 'instant' ? 'digits-instant' : recipe, data);
  const ordered = text ? text.replace(/[^\p{L}\p{N}]+/gu, '-').slice(0, MOST_TEXT) : digit;
  const what = recipe === 'tutorial' ? network : `${network}-${ordered}`;
  const which = step === 'all' ? `${steps}-steps` : `step-${step}-of-${steps}`;
  const { across, down } = place;
  const at = across > 0 || down > 0 ? `-at-${across}-${down}` : '';
  return `${what}-${which}-seed-${seed}${at}.${ending}`;
}

/** The file that the Draw view saves. */
export function drawnName({ ask, level, noise }: Pick<Settings, 'ask' | 'level' | 'noise'>): string {
  const which = {
    denoise: `-noise-${level}-percent-seed-${noise}`,
    fill: `-filled-seed-${noise}`,
    classify: '',
  };
  return `digits-drawing${which[ask]}.png`;
}
