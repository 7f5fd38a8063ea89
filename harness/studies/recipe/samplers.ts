/**
 * Measures the fewest network calls that suffice: `npm run recipe -- --out FOLDER --samplers digits FILE…`. Samples each network from the
 * same noises with 20 steps of Euler and with fewer steps of Adams, and says what holds. Each measurement is a line of FOLDER/samplers.jsonl; those that
 * are there are not made again.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../../src/engine';
import { samplingFor } from '../../../src/recipes';
import { callsOf, type Sampling } from '../../../src/unet/sampling';
import { manySamples } from '../../cli/measure_quality';
import { readModel } from '../../cli/model_flag';
import { nodeEngine } from '../../cli/node_engine';
import { createQualityMeter, type Quality, type QualityMeter } from '../../quality/quality';

/** A network's samples by a method, from the noise of a seed. */
interface Row extends Sampling, Quality {
  readonly model: string;
  readonly seed: number;
}

const SEEDS = [1, 2, 3, 4, 5].map((n) => 100_000 * n);
const COUNT = 1000;
const REFERENCE = { method: 'euler', steps: 20 } as const;
const CANDIDATES = [3, 4, 6, 10].map((steps) => ({ method: 'adams', steps }) as const);

/** Largest loss allowed: of the mean in accepted share, distance (relative) and recall; of any one seed in accepted share. */
const MOST = { accepted: 0.01, distance: 0.1, recall: 0.02, once: 0.025 };

export async function compareSamplers(out: string, models: readonly string[]): Promise<number> {
  mkdirSync(out, { recursive: true });
  const file = join(out, 'samplers.jsonl');
  const rows: Row[] = existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];
  const engine = await nodeEngine();
  const meter = await createQualityMeter();
  for (const model of models) {
    for (const seed of SEEDS) {
      for (const how of [REFERENCE, ...CANDIDATES]) {
        const isThis = (row: Row) => isOf(row, model, how) && row.seed === seed;
        if (rows.some(isThis)) continue;
        const row = { model, seed, ...(await measure(engine, meter, { model, seed, how })) };
        rows.push(row);
        appendFileSync(file, `${JSON.stringify(row)}\n`);
      }
    }
  }
  engine.destroy();
  for (const line of verdicts(rows, models)) console.log(line);
  return 0;
}

type How = Pick<Sampling, 'method' | 'steps'>;
const isOf = (row: Row, model: string, { method, steps }: How) =>
  row.model === model && row.method === method && row.steps === steps;

async function measure(
  engine: Engine,
  meter: QualityMeter,
  { model, seed, how }: { readonly model: string; readonly seed: number; readonly how: How },
) {
  const loaded = await readModel(model);
  const { guidance } = samplingFor(loaded);
  const unet = await engine.createUNet(loaded.config);
  await unet.setParameters(loaded.parameters);
  const sampling = { ...how, guidance };
  const { images, labels } = await manySamples(engine, unet, { count: COUNT, seed, sampling });
  unet.destroy();
  return { ...sampling, ...meter.measure(images, labels) };
}

/** A line for each candidate: on each network, beside the reference, and whether it holds on all. */
export function verdicts(rows: readonly Row[], models: readonly string[]): string[] {
  return CANDIDATES.map((how) => {
    const found = models.map((model) => {
      const pairs = rows
        .filter((row) => isOf(row, model, REFERENCE))
        .map((reference) => ({
          reference,
          row: rows.find((row) => isOf(row, model, how) && row.seed === reference.seed)!,
        }));
      const lost = (name: 'accepted' | 'digitDistance' | 'recall') =>
        pairs.map(({ reference, row }) => reference[name] - row[name]);
      const [accepted, distance, recall] = [lost('accepted'), lost('digitDistance'), lost('recall')].map(
        mean,
      );
      const relative = -distance / mean(pairs.map(({ reference }) => reference.digitDistance));
      const worst = Math.max(...lost('accepted'));
      const holds =
        accepted <= MOST.accepted && relative <= MOST.distance && recall <= MOST.recall && worst <= MOST.once;
      const text = `${signed(-100 * accepted)} points accepted (${signed(-100 * worst)} at worst), ${signed(100 * relative)}% distance, ${(-recall).toFixed(3)} recall`;
      return { holds, text: `  ${holds ? 'holds' : 'fails'}  ${model}: ${text}` };
    });
    const calls = callsOf({ ...how, guidance: 2 });
    const all = found.every(({ holds }) => holds) ? 'hold on all networks' : 'do not hold';
    return [
      `${how.steps} steps of ${how.method}, ${calls} calls, ${all}:`,
      ...found.map(({ text }) => text),
    ].join('\n');
  });
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const signed = (value: number) => {
  const rounded = Number(value.toFixed(1));
  return `${rounded >= 0 ? '+' : ''}${rounded.toFixed(1)}`;
};
