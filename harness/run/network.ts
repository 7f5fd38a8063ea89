/** Networks that a user derives from a recipe's. */
import type { UNetConfig } from '../../src/unet/config';

/** A recipe's network with other widths: each level has as many convolutions as in the recipe; lower levels as many as its last. */
export function levelsOf(
  { convolutionsPerLevel = 1 }: UNetConfig,
  widths: readonly number[],
  own?: UNetConfig['convolutionsPerLevel'],
): Pick<UNetConfig, 'widths' | 'convolutionsPerLevel'> {
  const of = own ?? convolutionsPerLevel;
  if (own || typeof of === 'number') return { widths, convolutionsPerLevel: of };
  return { widths, convolutionsPerLevel: widths.map((_, level) => of[level] ?? of[of.length - 1]) };
}
