/** The command line's main job from end to end, as a user would start it. */
import { expect, test } from 'vitest';
import { testGpu } from '../lanes/gpu';

const { lane } = await testGpu();

const files = [
  'losses.csv',
  'epochs.csv',
  'loss.svg',
  'corruption.png',
  'predictions.png',
  'samples-5-steps.png',
  'samples-50-steps.png',
  'model.safetensors',
  'checkpoint.safetensors',
  'run.json',
];

// A browser starts no processes.
if (lane === 'node') {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { mkdtempSync, readFileSync, readdirSync, rmSync } = process.getBuiltinModule('node:fs');
  const { tmpdir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');

  const run = (...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      execFile(process.execPath, ['harness/run.mjs', ...args], (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
      });
    });

  test('train writes all its files, goes on with --resume, and sample uses the model', async () => {
    const out = mkdtempSync(join(tmpdir(), 'train-'));
    try {
      const first = await run(
        'train',
        '--out',
        out,
        '--limit',
        '24',
        '--batch',
        '8',
        '--epochs',
        '1',
        '--widths',
        '4,8',
      );
      expect(first.code, first.output).toBe(0);
      expect(readdirSync(out).sort()).toEqual([...files].sort());
      const lines = () => readFileSync(join(out, 'losses.csv'), 'utf8').trim().split('\n');
      const before = lines();
      expect(before.length).toBe(4);
      expect(before[0]).toBe('step,epoch,loss');
      expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({
        settings: { batchSize: 8 },
      });

      const more = await run('train', '--resume', join(out, 'checkpoint.safetensors'), '--epochs', '2');
      expect(more.code, more.output).toBe(0);
      expect(lines().slice(0, 4)).toEqual(before);
      expect(lines().length).toBe(7);

      const png = join(out, 'again.png');
      const sampled = await run(
        'sample',
        '--model',
        join(out, 'model.safetensors'),
        '--out',
        png,
        '--count',
        '4',
        '--steps',
        '2',
      );
      expect(sampled.code, sampled.output).toBe(0);
      expect([...readFileSync(png).subarray(1, 4)]).toEqual([...'PNG'].map((c) => c.charCodeAt(0)));

      const refused = await run('train', '--out', out, '--resume', join(out, 'model.safetensors'));
      expect(refused.code).toBe(1);
    } finally {
      rmSync(out, { recursive: true });
    }
  });
}
