/** The names of the files that are saved of a run. Pure. */
import { DIGITS } from '../../../src/data/digits';
import type { Settings } from './settings';

/** Most characters of a data set's name in a file's. */
const LONGEST = 24;

/** What a file is named after: the recipe, or the images that the network was trained on where these are not the digits. */
export function namedAfter(recipe: string, data: string | undefined): string {
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
