/** Networks that a user derives from a recipe's. Pure. */
import { defined, EngineError } from '../../src/base/errors';
import { type RecipeName, recipes } from '../../src/recipes';
import { checkConfig, type UNetConfig } from '../../src/unet/config';
import { SIDES } from '../pictures/small_pictures';

/** A recipe with changes to its network. */
export interface NetworkChoice
  extends Partial<Pick<UNetConfig, 'widths' | 'kernelSize' | 'convolutionsPerLevel' | 'residual'>> {
  /** Default: the tutorial. */
  readonly recipe?: RecipeName;
}

/** Images, as far as a network depends on them; `classes`: 0 where they have no labels. */
export type ImagesFor = Partial<Pick<UNetConfig, 'height' | 'width' | 'channels'>> & {
  readonly classes?: number | undefined;
};

/**
 * The network of a choice for images, unchecked: what is left out is as in the recipe. With other widths each level has as many convolutions
 * as in the recipe, lower levels as many as its last.
 */
export function networkFor(
  { recipe = 'tutorial', ...given }: NetworkChoice,
  images: ImagesFor = {},
): UNetConfig {
  const { network }: { readonly network: UNetConfig } = recipes[recipe];
  const { height, width, channels, widths, kernelSize, residual } = {
    ...network,
    ...defined(images),
    ...defined(given),
  };
  const { conditioning, convolutionsPerLevel: of } = network;
  const { classes = conditioning?.classes ?? 0 } = images;
  const perLevel = typeof of === 'object' ? widths.map((_, level) => of[level] ?? of[of.length - 1]) : of;
  const { convolutionsPerLevel = perLevel } = given;
  return {
    ...network,
    height,
    width,
    channels,
    widths,
    kernelSize,
    residual,
    convolutionsPerLevel,
    ...(conditioning ? { conditioning: { ...conditioning, classes } } : {}),
  };
}

/** The same. Throws `argument` where there is none. */
export const toConfig = (choice: NetworkChoice = {}, images?: ImagesFor): UNetConfig =>
  checkConfig(networkFor(choice, images));

/** The side of a recipe's own images, which are squares. */
export const ownSize = (network?: NetworkChoice): number => toConfig(network).height;

/** Throws `argument` for images that a recipe was not made for. */
export function checkSides(
  recipe: RecipeName | undefined,
  { height, width }: Pick<UNetConfig, 'height' | 'width'>,
): void {
  const { least, most } = SIDES;
  if (recipe !== 'pictures' || [height, width].every((side) => side >= least && side <= most)) return;
  throw new EngineError(
    'argument',
    `The images are ${height} x ${width}; the recipe pictures takes sides of ${least} to ${most} pixels. Give such images, or take the recipe digits.`,
  );
}

/** The choice without fields that equal the recipe's; undefined for the tutorial unchanged. */
export function findChanges({
  recipe = 'tutorial',
  ...given
}: NetworkChoice = {}): NetworkChoice | undefined {
  const usual: UNetConfig = recipes[recipe].network;
  const changed = Object.entries(given).filter(
    ([name, value]) => value !== undefined && String(value) !== String(usual[name as keyof typeof given]),
  );
  const changes = { ...(recipe === 'tutorial' ? {} : { recipe }), ...Object.fromEntries(changed) };
  return Object.keys(changes).length > 0 ? changes : undefined;
}

/** `digits`, or `tutorial with widths 8 16, kernels 3x3, 1 2 convolutions a level, residual`. */
export function choiceText(choice: NetworkChoice = {}): string {
  const { recipe = 'tutorial', widths, kernelSize, convolutionsPerLevel, residual } = choice;
  const changes = [
    ...(widths ? [`widths ${widths.join(' ')}`] : []),
    ...(kernelSize ? [`kernels ${kernelSize}x${kernelSize}`] : []),
    ...(convolutionsPerLevel ? [`${[convolutionsPerLevel].flat().join(' ')} convolutions a level`] : []),
    ...(residual ? ['residual'] : []),
  ];
  return changes.length > 0 ? `${recipe} with ${changes.join(', ')}` : recipe;
}
