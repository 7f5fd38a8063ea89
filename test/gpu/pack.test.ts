/** The pack for a machine with a GPU and no network: packed, unpacked elsewhere, run with nothing but what is in it. */
import { expect, test } from 'vitest';
import { testGpu } from '../lanes/gpu';

const { lane } = await testGpu();

if (lane === 'node') {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } = process.getBuiltinModule('node:fs');
  const { tmpdir } = process.getBuiltinModule('node:os');
  const { join } = process.getBuiltinModule('node:path');

  const run = (command: string, args: string[], env: NodeJS.ProcessEnv) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      execFile(command, args, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
      });
    });

  test.runIf(process.platform === 'linux')(
    'the pack runs without npm, Node or environment',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'pack-'));
      try {
        const file = join(folder, 'pack.tar.gz');
        const packed = await run(process.execPath, ['harness/tools/pack/pack.mjs', file], process.env);
        expect(packed.code, packed.output).toBe(0);
        expect(statSync(file).size).toBeLessThan(64 * 2 ** 20);
        await run('tar', ['-C', folder, '-xzf', file], process.env);

        const script = join(folder, 'webgpu-diffusion-gpu', 'run.sh');
        const out = join(folder, 'out');
        // No PATH, so no node and no python3 with or without torch other than the system's own.
        const ran = await run(script, ['--quick', '--out', out], {});
        expect(ran.code, ran.output).toBe(0);
        const read = (...path: string[]) => JSON.parse(readFileSync(join(out, ...path), 'utf8'));
        const { passed, stages } = read('summary.json');
        expect(passed).toBe(true);
        expect(stages.map((s: { name: string }) => s.name)).toEqual([
          'adapters',
          'check',
          'bench',
          'train-10000',
          'train-70000',
          'train-digits',
          'torch',
        ]);
        expect(read('bench.json').step.ms.median).toBeGreaterThan(0);
        // The kernels were measured once, and remembered in the output folder.
        expect(readdirSync(join(out, 'cache'))).toEqual(['tuning.json']);
        expect(read('train-70000', 'run.json').settings.variants).toEqual(
          read('train-10000', 'run.json').settings.variants,
        );

        // Whoever lacks a GPU is told so, before anything long begins; and a stage that fails is not passed over.
        const { software } = read('bench.json').adapter;
        if (software) {
          const whole = await run(script, ['--out', join(folder, 'whole')], {});
          expect(whole).toMatchObject({ code: 1, output: expect.stringContaining('There is no GPU here') });
        }
        const broken = join(folder, 'webgpu-diffusion-gpu', 'cli', 'cli.js');
        await run('sh', ['-c', 'echo "process.exit(3)" > "$0"', broken], process.env);
        const failed = await run(script, ['--quick', '--only', 'check', '--out', join(folder, 'failed')], {});
        expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('FAILED') });
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    180_000,
  );
}
