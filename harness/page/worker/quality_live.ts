/** The share of 100 samples that a classifier accepts as digits, and the same for real digits. The classifier is loaded at the first measurement. */
import type { Engine } from '../../../src';
import { once } from '../../../src/base/load';
import { loadDigits } from '../../../src/data/digits';
import type { AcceptedShare } from '../messages/measurements';
import { liveSampling, liveSteps, type Network } from '../messages/order';

export const SAMPLES = 100;
/** Images classified per batch (about 0.1 s on the CPU), so that a request can interrupt. */
const AT_ONCE = 50;

let ofReal: number | undefined;

/** Samples with the network, a tenth for each digit. Rejects with the signal's reason. */
export async function acceptedShare(
  engine: Engine,
  network: Network,
  { step, seed, signal }: { step: number; seed: number; signal: AbortSignal },
): Promise<AcceptedShare> {
  const judge = await loadJudge();
  // To measure which kernels are fastest would take longer than the samples.
  using sampler = await engine.createSampler(network.unet, { count: SAMPLES, tune: false });
  const how = liveSampling(network, engine.adapter, SAMPLES);
  const images = await sampler.sample({ ...how, seed, signal });
  const accepted = await judge.accepted(judge.binarise(images, 0.5), signal);
  ofReal ??= await judge.accepted(judge.real, signal);
  return { step, accepted, samples: SAMPLES, real: ofReal };
}

/** Forward passes per sample: with guidance, two a step. */
export function countPasses(network: Network, adapter: { software: boolean }): number {
  const guided = network.unet.config.conditioning?.classes ? 2 : 1;
  return guided * liveSteps(network, adapter);
}

const loadJudge = once(async () => {
  const [{ binarise, firstHeldOut, verdicts }, { loadClassifier, pixels }] = await Promise.all([
    import('../../quality/accepted'),
    import('../../quality/classifier'),
  ]);
  const [classifier, digits] = await Promise.all([loadClassifier(), loadDigits()]);
  return {
    binarise,
    /** Real digits that the classifier was not trained on, binarised. */
    real: binarise(digits.images.subarray(firstHeldOut * pixels), 127.5),
    /** The share of these images that the classifier accepts. */
    async accepted(images: Float32Array, signal: AbortSignal): Promise<number> {
      let accepted = 0;
      const count = images.length / pixels;
      for (let from = 0; from < count; from += AT_ONCE) {
        const some = images.subarray(from * pixels, (from + AT_ONCE) * pixels);
        accepted += verdicts(classifier.classify(some, some.length / pixels)).filter(
          (v) => v.accepted,
        ).length;
        await new Promise((resolve) => setTimeout(resolve));
        signal.throwIfAborted();
      }
      return accepted / count;
    },
  };
});
