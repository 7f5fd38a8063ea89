/** A plugin of Stryker's: of all mutants in covered code it lets a sample pass, the same for the same seed. */
import { createHash } from 'node:crypto';
import { CheckStatus } from '@stryker-mutator/api/check';
import { commonTokens, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';

function createSample({ sample: { count, seed } }) {
  const rank = ({ fileName, location: { start, end }, replacement }) =>
    createHash('sha256')
      .update(JSON.stringify([seed, fileName.replace(/^.*\/src\//, ''), start, end, replacement]))
      .digest('hex');
  return {
    async init() {},
    /** All together: a sample is drawn of all. */
    group: async (mutants) => [mutants.map(({ id }) => id)],
    async check(mutants) {
      const ranked = mutants
        .map((mutant) => ({ id: mutant.id, rank: rank(mutant) }))
        .sort((a, b) => (a.rank < b.rank ? -1 : 1));
      return Object.fromEntries(
        ranked.map(({ id }, i) => [
          id,
          i < count
            ? { status: CheckStatus.Passed }
            : { status: CheckStatus.CompileError, reason: 'not in the sample' },
        ]),
      );
    },
  };
}
createSample.inject = [commonTokens.options];

export const strykerPlugins = [declareFactoryPlugin(PluginKind.Checker, 'sample', createSample)];
