/** The pretrained networks, as far as the page must know before it loads one. */
import type { PretrainedName } from '../../src/pretrained';
import type { PageRecipe } from './settings';

/** About as many images they have seen in training, each of the digits many times. */
export const PRETRAINED_IMAGES = 340_000;

/** The one that makes samples where this recipe is chosen: `digits-3x3` has none of its own. */
export const pretrainedOf = (recipe: PageRecipe): PretrainedName & PageRecipe =>
  recipe === 'digits-3x3' ? 'digits' : recipe;
