import { presets } from '../../../src/unet/config';
import { nodeEngine } from '../../cli/node_engine';
import { Random } from '../../../test/spec';
const batch = Number(process.env.BATCH ?? 256);
const rounds = Number(process.env.ROUNDS ?? 8);
export async function main() {
  const engine = await nodeEngine();
  const names = (process.env.NETS ?? 'tutorial,digits,digits-3x3').split(',');
  const random = new Random(1);
  const noisy = random.floats(batch * 784, -1, 1);
  const target = random.floats(batch * 784, -1, 1);
  const levels = random.floats(batch, 0, 1);
  const labels = random.integers(batch, 10);
  const all = [];
  for (const name of names) {
    const config = (presets as any)[name];
    const unet = await engine.createUNet(config, { seed: 1 });
    const trainer = await engine.createTrainer(unet, name === 'tutorial' ? { batchSize: batch } : { batchSize: batch, clipNorm: 1, objective: 'flow', averageWeights: true });
    const told = name === 'tutorial' ? {} : { levels, labels };
    const give = { noisy, target, ...told };
    const t = performance.now();
    await trainer.step(give);
    console.log(name, 'first', ((performance.now() - t) / 1000).toFixed(2), 's', 'bytes', (((trainer as any).bytes ?? 0) / 1e6).toFixed(1), (((trainer as any).memory ?? 0)));
    all.push({ name, trainer, give, times: [] as number[] });
  }
  for (let r = 0; r < rounds; r++)
    for (const x of all) {
      const t = performance.now();
      await x.trainer.step(x.give);
      x.times.push(performance.now() - t);
    }
  for (const { name, times } of all) {
    times.sort((a, b) => a - b);
    console.log(name, 'least', times[0].toFixed(0), 'median', times[times.length >> 1].toFixed(0), 'ratio', (times[0] / all[0].times[0]).toFixed(2));
  }
  if (process.env.LIST) for (const { name, trainer } of all) console.log(name, (trainer as any).kernels ?? '');
  engine.destroy();
  return 0;
}
