/** Runs that begin with a pretrained network: with which networks that is possible, and at which rate. Pure. */
import { EngineError } from '../../src/base/errors';
import type { PretrainedName } from '../../src/pretrained';
import { type RecipeName, recipeOf, recipes } from '../../src/recipes';
import type { UNetConfig } from '../../src/unet/config';

/** The pretrained network that a run of each recipe can begin with. */
const PRETRAINED: Partial<Record<RecipeName, PretrainedName>> = {
  tutorial: 'tutorial',
  digits: 'digits',
  pictures: 'pictures',
};

/** The learning rate of planned runs that begin with the network `pictures`, which is to make other pictures than it knows. */
export const RATE_OF_PICTURES = 0.002;

/** Throws `data` unless a recipe's pretrained network fits the network that settings and images ask for. Returns its name. */
export function checkBeginning(recipe: RecipeName, wanted: UNetConfig): PretrainedName {
  const name = PRETRAINED[recipe];
  if (!name)
    throw new EngineError(
      'data',
      `There is no pretrained network of the recipe ${recipe}. Begin with new weights, or choose the recipe digits.`,
    );
  const { network, trainer } = recipes[recipe];
  const trained: UNetConfig = network;
  const refuse = (what: string, remedy: string) => {
    throw new EngineError('data', `The pretrained network ${what}. ${remedy}, or begin with new weights.`);
  };
  const { height, width, channels, widths } = wanted;
  if (widths.join() !== trained.widths.join()) {
    refuse(`has the widths ${trained.widths.join(', ')}, not ${widths.join(', ')}`, 'Set these widths');
  }
  if (recipeOf({ config: wanted, objective: trainer.objective }) !== recipe)
    refuse(`has the convolutions of the recipe ${recipe}`, 'Leave them to the recipe');
  const [classes, known] = [wanted, trained].map(({ conditioning }) => conditioning?.classes ?? 0);
  if (recipe === 'pictures') {
    // Of any size and classes: its convolutions fit all, and the table of classes is new.
    if (channels !== trained.channels) refuse('is for images in colour; these are grey', 'Choose others');
    return name;
  }
  if (height !== trained.height || width !== trained.width || channels !== trained.channels) {
    refuse(
      `is for images of ${trained.height} x ${trained.width} x ${trained.channels}; these are ${height} x ${width} x ${channels}`,
      'Choose images of that size',
    );
  }
  if (known > 0 && classes === 0)
    refuse('is conditioned on classes, and these images have no labels', 'Give images with labels');
  if (classes > known) refuse(`knows ${known} classes; these images have ${classes}`, 'Use fewer classes');
  return name;
}

/** A trained network for a run on images that ask for `wanted`: `pictures` takes their size and classes, others keep their own. */
export const fitted = <Trained extends { readonly config: UNetConfig }>(
  recipe: RecipeName,
  trained: Trained,
  wanted: UNetConfig,
): Trained => (recipe === 'pictures' ? { ...trained, config: wanted } : trained);
