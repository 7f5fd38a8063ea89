/** Checks a network's prediction at the real size of its batch. Loaded at the first call. */
import type { Gpu } from '../gpu/gpu';
import type { Random } from '../plan/small_case';
import { padBatch, tensor } from '../plan/tensor';
import { findWrong, replaceWrong } from './comparison';
import { countOutChannels } from './config';
import { predictionPass } from './forward';
import type { NetworkWeights } from './network';
import { type Chosen, chooser as chooseBy, type VariantChooser, type Variants } from './variants';

/** An object that predicts, and can be made again. */
export interface Predicting extends Chosen {
  destroy(): void;
}

export interface Predicted {
  readonly gpu: Gpu;
  readonly chooser: VariantChooser;
  readonly network: NetworkWeights;
  /** Images per forward pass. */
  readonly count: number;
  /** The variants that the caller fixed for this alone. */
  readonly given?: Variants | undefined;
}

/**
 * Calls `make` until its result has no wrong variants. Compares outputs for noise with the plain kernels', unless that was
 * done before. Throws `wrong-kernel` if no other variant is left.
 */
export async function makeVerified<T extends Predicting>(
  predicted: Predicted,
  make: () => Promise<T>,
): Promise<T> {
  for (;;) {
    const predictor = await make();
    try {
      if (await predictsRightly(predicted, predictor)) return predictor;
    } catch (error) {
      predictor.destroy();
      throw error;
    }
    predictor.destroy();
  }
}

/** Returns false if a variant is wrong; later choices then have another. Throws if it cannot be replaced. */
async function predictsRightly(
  { gpu, chooser, network, count, given }: Predicted,
  { variants, isFixed }: Predicting,
): Promise<boolean> {
  const { config, plan } = network;
  const batch = padBatch(count);
  const pixels = config.height * config.width * batch;
  const input = tensor('input', pixels * config.channels);
  const output = tensor('output', pixels * countOutChannels(config));
  const [levels, classes] = ['noise levels', 'classes'].map((label) => tensor(label, batch));
  const conditions = { levels, classes };
  const pass = {
    ops: predictionPass(plan, batch, input, output, conditions, chooseBy(variants)).ops,
    inputs: (random: Random) =>
      [
        [input, random.floats(input.size, -1, 1)],
        [levels, random.floats(batch, 0, 1)],
        [classes, random.integers(batch, (config.conditioning?.classes ?? 0) + 1)],
      ] as const,
  };
  const advice = isFixed ? { advice: 'Leave it out of `variants`.' } : {};
  const errors = await findWrong({ gpu, network, pass, images: count }, advice);
  if (errors.length === 0) return true;
  const place = { layers: plan.layers, batch, training: false, given };
  if (await replaceWrong(errors, chooser, variants, place)) return false;
  throw errors[0];
}
