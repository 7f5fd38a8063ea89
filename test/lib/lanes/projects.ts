/** The lanes as vitest projects; `x-y` is a part of the lane `x`. */
import type { TestProjectConfiguration, TestUserConfig } from 'vitest/config';
import { firefoxPage, isMocking, type Lane, laneFiles } from './lanes.ts';
import { limit } from './limits.ts';
import { puppeteerProvider } from './provider.ts';

/** What a test says with `{ tags: 'nightly' }`, or a file with `@module-tag`. */
export const tags = [{ name: 'nightly', description: 'run by npm run test:all, and where it is named' }];

const filesOf = (lane: Lane, mocks: boolean) =>
  laneFiles(lane, true).filter((file) => file !== firefoxPage && isMocking(file) === mocks);

/** One process, or page, for all files: each would load some 250 modules of its own. */
const together = { isolate: false };
const fastEqual = 'test/lib/lanes/equal_bytes.ts';

/** Built once for all files of a lane. */
const drivesPage = {
  globalSetup: ['test/lib/page/built_page.ts'],
  fileParallelism: false,
  ...limit('drivesPage'),
};
const onGpu = {
  // One device at a time: a software adapter uses every core, a real one has one queue.
  fileParallelism: false,
  // One waits for the GPU while something is computed for the other; more would only wait for each other.
  maxConcurrency: 2,
  ...limit('compilesShaders'),
};
const onNode = {
  ...onGpu,
  provide: { lane: 'node' as const },
  setupFiles: ['test/lib/lanes/node_gpu.ts', fastEqual],
};

const tests: readonly TestUserConfig[] = [
  { name: 'unit', include: filesOf('unit', false), ...together, setupFiles: [fastEqual], ...limit() },
  { name: 'unit-mocking', include: filesOf('unit', true), ...limit() },
  { name: 'emulate', include: filesOf('emulate', false), ...limit() },
  { name: 'page', include: filesOf('page', false), ...together, ...drivesPage },
  { name: 'firefox-page', include: [firefoxPage], ...drivesPage },
  { name: 'node', include: filesOf('node', false), ...together, ...onNode },
  // After the others.
  { name: 'node-mocking', include: filesOf('node', true), ...onNode, sequence: { groupOrder: 1 } },
  {
    name: 'browsers',
    include: filesOf('chrome', false),
    ...together,
    ...onGpu,
    browser: {
      enabled: true,
      headless: true,
      ui: false,
      screenshotFailures: false,
      provider: puppeteerProvider,
      instances: [
        { browser: 'chrome', name: 'chrome', provide: { lane: 'chrome' } },
        { browser: 'firefox', name: 'firefox', provide: { lane: 'firefox' } },
      ],
    },
  },
];
export const projects: TestProjectConfiguration[] = tests.map((test) => ({ extends: true, test }));
