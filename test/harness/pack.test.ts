/** The pack for a machine with a GPU and no network; `npm run test:long` packs it and runs it. */
import { expect, test } from 'vitest';
import { readFlags } from '../../harness/cli/args';
import { train } from '../../harness/cli/commands/train';
import { isPlannedBy, type TrainFlags } from '../../harness/cli/train_plan';
// @ts-expect-error The pack runs it as it is, without types.
import { trainings } from '../../harness/tools/gpu/pack/trainings.mjs';

test.each([false, true])(
  'no training of the pack for a GPU is planned, so it has the same steps everywhere (quick: %s)',
  (quick) => {
    for (const { name, flags } of trainings({ quick, sevenSets: 'digits-70000' })) {
      const given = readFlags(train, flags) as TrainFlags;
      expect(isPlannedBy(given), name).toBe(false);
    }
  },
);
