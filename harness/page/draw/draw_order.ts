/** The question that a drawing and the settings beside it put to the network, or why there is none. Pure. */

import type { Settings, Source } from '../shell/settings';
import { type Drawing, inkOf, isEmpty, maskOf, SIDE } from '../shell/strokes';
import type { DrawOrder, ModelDescription } from '../worker/messages';
import { centred } from './centred';

export interface Question {
  /** The ink as the network sees it. */
  readonly image: Float32Array<ArrayBuffer>;
  readonly order?: DrawOrder;
  /** Why there is nothing to ask. */
  readonly why?: string;
}

export function questionOf(
  drawing: Drawing,
  {
    ask,
    level,
    told: digit,
    guidance,
    noise: seed,
  }: Pick<Settings, 'ask' | 'level' | 'told' | 'guidance' | 'noise'>,
  source: Source,
): Question {
  const seen = centred(drawing);
  const image = inkOf(seen);
  if (isEmpty(image))
    return {
      image,
      why: 'Nothing is drawn yet. Draw a digit on the field, or begin with one of the digits.',
    };
  const common = { source, image, seed };
  const sampled = { ...common, digit, guidance, rough: true };
  if (ask === 'classify') return { image, order: { ...common, ask } };
  if (ask === 'denoise') {
    if (level === 0)
      return { image, why: 'At 0 % there is no noise to take away. Move the slider to the right.' };
    return { image, order: { ...sampled, ask, level: level / 100 } };
  }
  const mask = maskOf(seen);
  if (isEmpty(mask))
    return { image, why: 'Nothing is masked yet. Brush with Mask over what the network is to fill in.' };
  return { image, order: { ...sampled, ask, mask } };
}

/** Why a network cannot be asked about drawings; undefined if it can. */
export function unfit({
  recipe,
  classes,
  height,
  width,
}: Omit<ModelDescription, 'name'>): string | undefined {
  if (recipe === 'tutorial')
    return 'The recipe tutorial is not told how much noise there is, so it cannot begin at a level of one’s choice.';
  if (height !== SIDE || width !== SIDE)
    return `Its images are ${height} x ${width} pixels; drawings are ${SIDE} x ${SIDE}.`;
  return classes > 0 ? undefined : 'It is told no classes.';
}
