/** The flags that describe a network, and the configuration that they result in. */
import { EngineError } from '../../src/base/errors';
import { type RecipeName, recipes } from '../../src/recipes';
import { checkConfig, type UNetConfig } from '../../src/unet/config';
import { checkSides, type ImagesFor, type NetworkChoice, networkFor } from '../run/network';
import { type Given, integer, integers, oneOf, toggle, UsageError } from './args';

export const allRecipes = Object.keys(recipes) as RecipeName[];

export const networkFlags = {
  recipe: {
    ...oneOf('', ...allRecipes),
    value: 'NAME',
    help: 'network and training: tutorial; digits, the same network conditioned on\nnoise level and class, which makes digits to order; pictures,\nfor pictures in colour (default tutorial)',
  },
  widths: integers('32,64,64', 'channels of each level (default 32,64,64)', 1, 4096),
  'kernel-size': integer('N', 'sides of the convolutions, odd (default 5)', 1, 31),
  convolutions: integers('1,1,1', 'convolutions of each level (default 1, or as the recipe says)', 1, 16),
  residual: toggle('add the input of the second and later convolutions of a level to\ntheir output'),
};

export const networkChoice = (given: Given<typeof networkFlags>): NetworkChoice => ({
  recipe: given.recipe,
  widths: given.widths,
  kernelSize: given['kernel-size'],
  convolutionsPerLevel: given.convolutions,
  residual: given.residual,
});

/** The network that the flags ask for, for these images. Throws UsageError. */
export function networkFromFlags(given: Given<typeof networkFlags>, images?: ImagesFor): UNetConfig {
  const wanted = networkFor(networkChoice(given), images);
  checkSides(given.recipe, wanted);
  try {
    return checkConfig(wanted);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const own = given.convolutions ? ` --convolutions ${given.convolutions}` : '';
    throw new UsageError(
      `--widths ${wanted.widths} --kernel-size ${wanted.kernelSize}${own}: ${error.message}`,
    );
  }
}

/** `28x28x1, widths 32 64 64, kernels 5x5`, more than one convolution a level, and the conditioning. */
export function networkSummary({
  height,
  width,
  channels,
  widths,
  kernelSize,
  convolutionsPerLevel,
  residual,
  conditioning: { noiseLevel, classes } = { noiseLevel: false, classes: 0 },
}: UNetConfig): string {
  const conditions = [...(noiseLevel ? ['noise level'] : []), ...(classes > 0 ? [`${classes} classes`] : [])];
  const counts = typeof convolutionsPerLevel === 'number' ? [convolutionsPerLevel] : convolutionsPerLevel;
  const more = counts ? `, ${counts.join(' ')} convolutions a level${residual ? ', residual' : ''}` : '';
  return `${height}x${width}x${channels}, widths ${widths.join(' ')}, kernels ${kernelSize}x${kernelSize}${more}${conditions.length > 0 ? `, conditioned on ${conditions.join(' and ')}` : ''}`;
}
