/** Training that begins with the pretrained network: with which settings, and on which images that is possible. Pure. */
import { EngineError } from '../../src/errors';
import type { UNetConfig } from '../../src/unet/config';

/** Few steps, at a sixth of the recipe's rate: what the network knows of digits is to stay. */
const STEPS = 60;
const MOST_BATCH = 32;
const RATE = 0.0005;

export function fineTuning(count: number): {
  readonly batch: number;
  readonly epochs: number;
  readonly lr: number;
} {
  const batch = Math.min(MOST_BATCH, count);
  return { batch, epochs: Math.ceil(STEPS / Math.ceil(count / batch)), lr: RATE };
}

/** Throws unless a network that is already trained fits the network that the settings and the images ask for. */
export function checkBeginning(trained: UNetConfig, wanted: UNetConfig): void {
  const refuse = (what: string, remedy: string) => {
    throw new EngineError('data', `The pretrained network ${what}. ${remedy}, or begin with new weights.`);
  };
  const { height, width, channels, widths } = wanted;
  if (height !== trained.height || width !== trained.width || channels !== trained.channels) {
    refuse(
      `is for images of ${trained.height} x ${trained.width} x ${trained.channels}; these are ${height} x ${width} x ${channels}`,
      'Choose images of that size',
    );
  }
  const [classes, known] = [wanted, trained].map(({ conditioning }) => conditioning?.classes ?? 0);
  if (classes > known) refuse(`knows ${known} classes; these images have ${classes}`, 'Use fewer classes');
  if (widths.join() !== trained.widths.join()) {
    refuse(`has the widths ${trained.widths.join(', ')}, not ${widths.join(', ')}`, 'Set these widths');
  }
}
