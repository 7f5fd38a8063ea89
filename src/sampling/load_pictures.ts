/** Converts pictures to begin a run at, and masks, to arrays. */
import { loaded } from '../base/load';
import { isPictures } from '../pictures/is_pictures';
import type { UNetConfig } from '../unet/config';
import type { LoadedOptions, SampleOptions } from './options';

const NAMES = ['start', 'mask'] as const;

/** Whether the options have pictures. */
export const hasPictures = (options: SampleOptions) => NAMES.some((name) => isPictures(options?.[name]));

/** The options with arrays instead of pictures, for `count` images. Other values stay, to be refused. */
export async function loadPictures(
  options: SampleOptions,
  config: UNetConfig,
  count: number,
): Promise<LoadedOptions> {
  const { picturesFor } = await loaded(import('../pictures/picture'));
  const arrays = NAMES.flatMap((name) => {
    const given = options[name];
    return isPictures(given) ? [[name, picturesFor(name, given, config, { count, range: [0, 1] })]] : [];
  });
  return { ...options, ...Object.fromEntries(arrays) };
}
