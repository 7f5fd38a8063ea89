/** What runs with a mutant of Stryker's: unit tests that replace no module, each file by itself, without test/repository. */
import { defineConfig } from 'vitest/config';
import { isMocking, laneFiles } from '../lib/lanes/lanes.ts';
import { limit } from '../lib/lanes/limits.ts';
import lanes from '../lib/lanes/vitest.config.ts';

const { test: _, ...config } = lanes;

export default defineConfig({
  ...config,
  test: {
    include: laneFiles('unit', false).filter(
      (file) => !isMocking(file) && !file.startsWith('test/repository/'),
    ),
    ...limit(),
  },
});
