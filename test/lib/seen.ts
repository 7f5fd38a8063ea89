/** What the classifier takes drawn digits for. */
import { loadClassifier } from '../../harness/quality/classifier';

export async function digitsSeen(images: Float32Array): Promise<number[]> {
  const count = images.length / 784;
  const blackAndWhite = images.map((value) => Number(value > 0.5));
  const { probabilities } = (await loadClassifier()).classify(blackAndWhite, count);
  return Array.from({ length: count }, (_, i) => {
    const row = probabilities.subarray(10 * i, 10 * i + 10);
    return row.indexOf(Math.max(...row));
  });
}
