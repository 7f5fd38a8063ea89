/** Runs that begin with a pretrained network: with which networks that is possible, and at which rate. Pure. */
import { findRecipe, type RecipeName, recipes } from '../../src/recipes';
import type { UNetConfig } from '../../src/unet/config';

/** The learning rate of planned runs that begin with the network `pictures`, which is to make other pictures than it knows. */
export const RATE_OF_PICTURES = 0.002;

/** The reason that a run cannot begin with its recipe's pretrained network, for the network that settings and images ask for; undefined if it can. */
export function whyUnfit(recipe: RecipeName, wanted: UNetConfig): string | undefined {
  const { network, trainer } = recipes[recipe];
  const trained: UNetConfig = network;
  const because = (what: string, remedy: string) =>
    `The pretrained network ${what}. ${remedy}, or begin with new weights.`;
  const { height, width, channels, widths } = wanted;
  if (widths.join() !== trained.widths.join())
    return because(
      `has the widths ${trained.widths.join(', ')}, not ${widths.join(', ')}`,
      'Set these widths',
    );
  if (findRecipe({ config: wanted, objective: trainer.objective }) !== recipe)
    return because(`has the convolutions of the recipe ${recipe}`, 'Leave them to the recipe');
  // Of any size and classes: its convolutions fit all, and the table of classes is new.
  if (recipe === 'pictures')
    return channels === trained.channels
      ? undefined
      : because('is for images in colour; these are grey', 'Choose others');
  if (height !== trained.height || width !== trained.width || channels !== trained.channels)
    return because(
      `is for images of ${trained.height} x ${trained.width} x ${trained.channels}; these are ${height} x ${width} x ${channels}`,
      'Choose images of that size',
    );
  const [classes, known] = [wanted, trained].map(({ conditioning }) => conditioning?.classes ?? 0);
  if (known > 0 && classes === 0)
    return because('is conditioned on classes, and these images have no labels', 'Give images with labels');
  if (classes > known)
    return because(`knows ${known} classes; these images have ${classes}`, 'Use fewer classes');
  return undefined;
}

/** A trained network for a run on images that ask for `wanted`: `pictures` takes their size and classes, others keep their own. */
export const fitted = <Trained extends { readonly config: UNetConfig }>(
  recipe: RecipeName,
  trained: Trained,
  wanted: UNetConfig,
): Trained => (recipe === 'pictures' ? { ...trained, config: wanted } : trained);
