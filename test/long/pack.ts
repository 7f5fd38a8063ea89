/** docs/performance.md's pack for a machine with a GPU and no network: packed, unpacked elsewhere, run with nothing but what is in it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Row, temporary } from './row';

const STAGES = ['check', 'bench', 'tutorial', 'digits'];

/** No environment, so no PATH and no node. */
function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return { code: status, output: stdout + stderr };
}

function must(holds: boolean, what: string, output = ''): void {
  if (!holds) throw new Error(`${what}\n${output}`);
}

export const pack: Row = {
  name: 'pack for a GPU',
  async run() {
    if (process.platform !== 'linux') return 'not run: the pack is for Linux';
    using own = temporary();
    const { folder } = own;
    const file = join(folder, 'pack.tar.gz');
    const packed = start(process.execPath, ['harness/tools/pack/pack.mjs', file], process.env);
    must(packed.code === 0, 'It is not packed.', packed.output);
    const megabytes = statSync(file).size / 2 ** 20;
    must(megabytes < 64, `It has ${megabytes} MiB.`);
    start('tar', ['-C', folder, '-xzf', file], process.env);

    const script = join(folder, 'webgpu-diffusion-gpu', 'run.sh');
    const out = join(folder, 'out');
    const ran = start(script, ['--quick', out]);
    must(ran.code === 0, 'A stage failed.', ran.output);
    const read = (...path: string[]) => JSON.parse(readFileSync(join(out, ...path), 'utf8'));
    must(
      ran.output.endsWith(`All passed. Results: ${out}\n`),
      'It does not say that all passed.',
      ran.output,
    );
    for (const name of STAGES) must(statSync(join(out, `${name}.txt`)).size > 0, `${name} printed nothing.`);
    const [step] = read('bench.json').rows;
    must(step.kernel === 'step' && step.ms.median > 0, 'The bench has no step.');
    const kept = readdirSync(join(out, 'cache'));
    must(isDeepStrictEqual(kept, ['tuning.json']), 'The kernels that were measured are not remembered.');

    const alone = start(script, ['--quick', join(folder, 'own')], {
      PACKED_LIBRARIES: '1',
    });
    must(alone.code === 0, 'It does not run with its own libraries.', alone.output);

    // A stage that fails is not passed over.
    writeFileSync(join(folder, 'webgpu-diffusion-gpu', 'cli', 'cli.js'), 'process.exit(3)');
    const failed = start(script, ['--quick', join(folder, 'failed')]);
    must(failed.code === 1 && failed.output.includes('FAILED'), 'A failure is passed over.', failed.output);
    return `${STAGES.length} of ${STAGES.length} stages from ${Math.round(megabytes)} MiB`;
  },
};
