/** The pretrained networks, as far as the page must know before it loads one. */
import type { PretrainedName } from '../../src/pretrained';
import type { PageRecipe } from './settings';

/** Training steps, of 256 images each, that they have behind them. */
export const PRETRAINED_STEPS = 1370;

/** The one that makes samples where this recipe is chosen: `digits-3x3` has none of its own. */
export const pretrainedOf = (recipe: PageRecipe): PretrainedName & PageRecipe =>
  recipe === 'digits-3x3' ? 'digits' : recipe;
