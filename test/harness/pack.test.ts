/** The pack for a machine with a GPU and no network; `npm run test:long` packs it and runs it. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readFlags } from '../../harness/cli/args';
import { train } from '../../harness/cli/commands/train';
import { isPlannedBy, type TrainFlags } from '../../harness/cli/train_plan';
// @ts-expect-error The pack runs it as it is, without types.
import { trainings } from '../../harness/tools/gpu/pack/trainings.mjs';
import { takesLong } from '../lanes/limits';
import { temporaryFolder } from './system';

test.each([false, true])(
  'no training of the pack for a GPU is planned, so it has the same steps everywhere (quick: %s)',
  (quick) => {
    for (const { name, flags } of trainings({ quick, sevenSets: 'digits-70000' })) {
      const given = readFlags(train, flags) as TrainFlags;
      expect(isPlannedBy(given), name).toBe(false);
    }
  },
);

test.runIf(process.platform === 'linux').each(['', 'yes'])(
  'the pack runs in a folder with a space and a quote in its name (with its own libraries: "%s")',
  (PACKED_LIBRARIES) => {
    const folder = join(temporaryFolder(), "somebody's pack");
    for (const name of ['lib', 'glibc']) mkdirSync(join(folder, name), { recursive: true });
    copyFileSync('harness/tools/gpu/pack/run.sh', join(folder, 'run.sh'));
    writeFileSync(join(folder, 'glibc', 'version'), '2.0\n');
    const print = '#!/bin/sh\necho "$(basename "$0"): $@"\n';
    for (const name of ['node', 'glibc/ld-linux.so'])
      writeFileSync(join(folder, name), print, { mode: 0o755 });
    const env = { ...process.env, PACKED_LIBRARIES };
    const { stdout, stderr } = spawnSync('sh', [join(folder, 'run.sh'), '--quick'], {
      env,
      encoding: 'utf8',
    });
    const loaded =
      PACKED_LIBRARIES && `ld-linux.so: --library-path ${folder}/glibc:${folder}/lib ${folder}/node`;
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n').at(-1)).toBe(`${loaded || 'node:'} ${folder}/run.mjs --quick`);
  },
);

test.runIf(process.platform === 'linux')(
  'a command that needs a GPU goes on in the Node of the pack, which a loader may have to run',
  takesLong('runsProcesses'),
  () => {
    const folder = temporaryFolder();
    const own = join(folder, 'node');
    writeFileSync(own, '#!/bin/sh\necho "the pack runs $2"\n', { mode: 0o755 });
    const env = { ...process.env, WEBGPU_DIFFUSION_NODE: own };
    const { stdout } = spawnSync(process.execPath, ['harness/run.mjs', 'adapters'], {
      env,
      encoding: 'utf8',
    });
    expect(stdout).toBe('the pack runs adapters\n');
  },
);
