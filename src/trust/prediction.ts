/** Checks a network's prediction at the real size of its batch. Loaded at the first call. */
import type { Gpu } from '../gpu/gpu';
import type { Random } from '../plan/small_case';
import { padBatch, tensor } from '../plan/tensor';
import type { Predicted, Predicting, VariantChooser } from '../unet/chooser';
import { outChannelsOf } from '../unet/config';
import { predictionPass } from '../unet/forward';
import { chooser as chooseBy } from '../unet/variants';
import { findWrong, replaceWrong, UPDATE } from './comparison';

/**
 * Calls `make` until its result has no wrong variants. Compares outputs for noise with the plain kernels', and kernels with one form with
 * the references, unless that was done before. Throws `wrong-kernel` if no other variant is left.
 */
export async function rightOf<T extends Predicting>(
  gpu: Gpu,
  chooser: VariantChooser,
  make: () => Promise<T>,
  predicted: Predicted,
): Promise<T> {
  for (;;) {
    const made = await make();
    try {
      if (await predictsRightly(gpu, chooser, made, predicted)) return made;
    } catch (error) {
      made.destroy();
      throw error;
    }
    made.destroy();
  }
}

/** Returns false if a variant is wrong; later choices then have another. Throws if it cannot be replaced. */
async function predictsRightly(
  gpu: Gpu,
  chooser: VariantChooser,
  { variants, ops }: Predicting,
  { network, count, given = false }: Predicted,
): Promise<boolean> {
  const { config, plan } = network;
  const fixed = given || (chooser.isFixed ?? false);
  const batch = padBatch(count);
  const pixels = config.height * config.width * batch;
  const input = tensor('input', pixels * config.channels);
  const output = tensor('output', pixels * outChannelsOf(config));
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
  const reportWith = (advice: string) => (text: string) => ({ text, advice });
  const reports = {
    form: reportWith(UPDATE),
    variant: reportWith(fixed ? 'Leave it out of `variants`.' : UPDATE),
  };
  const wrong = await findWrong({ gpu, network, pass, images: count }, ops, reports);
  if (wrong.form) throw wrong.form;
  const errors = wrong.variants;
  if (errors.length === 0) return true;
  const place = { chooser, fixed, batch, training: false };
  if (await replaceWrong(errors, plan, variants, place)) return false;
  throw errors[0];
}
