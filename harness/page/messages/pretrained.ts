/** The pretrained networks, as far as the page must know before it loads one. */
import type { PretrainedName } from '../../../src/pretrained';
import type { Sampling } from '../../../src/unet/sampling';
import type { PageRecipe } from './settings';

/** About as many images they have seen in training, each of the digits many times. */
export const PRETRAINED_IMAGES = 340_000;

/** The one that makes samples where this recipe is chosen: some have none of their own. */
export const pretrainedFor = (recipe: PageRecipe): 'tutorial' | 'digits' =>
  recipe === 'tutorial' ? recipe : 'digits';

/** The network of `digits`, distilled: it makes digits at once. Its file says the same of its sampling. */
export const INSTANT = {
  name: 'digits-instant',
  sampling: { method: 'euler', steps: 2, guidance: 1, calls: 2 },
} as const satisfies { readonly name: PretrainedName; readonly sampling: Sampling };
