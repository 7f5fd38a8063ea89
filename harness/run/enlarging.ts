/** Finished images at twice the side: which are enlarged, and the network for it. */
import type { Engine } from '../../src/engine';
import { loadPretrained } from '../../src/pretrained';
import type { RecipeName } from '../../src/recipes';
import type { UNet } from '../../src/unet/unet';
import { type Size, USUAL_SIDE } from '../pictures/small_pictures';

/** By the enlarger, or as they are. */
export const ENLARGE = ['smooth', 'pixels'] as const;
export type Enlarge = (typeof ENLARGE)[number];

/** How finished images of a network are shown; undefined for images that the enlarger does not know. `isShrunk`: pictures were larger. */
export function chooseEnlarge(
  of: Size & { readonly recipe?: RecipeName | undefined; readonly channels: number },
  chosen: Enlarge | 'auto' = 'auto',
  isShrunk = false,
): Enlarge | undefined {
  if (of.recipe !== 'pictures' || of.channels !== 3 || Math.max(of.height, of.width) > USUAL_SIDE)
    return undefined;
  if (chosen !== 'auto') return chosen;
  return isShrunk ? 'smooth' : 'pixels';
}

/** The enlarger of images of this size. */
export async function enlargerFor(engine: Engine, { height, width }: Size): Promise<UNet> {
  const { config, parameters } = await loadPretrained('enlarger');
  const unet = await engine.createUNet({ ...config, height: 2 * height, width: 2 * width });
  await unet.setParameters(parameters);
  return unet;
}
