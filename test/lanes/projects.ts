/**
 * The lanes as vitest projects. The browser lanes and `node` run the same files, test/gpu; `node` also those that need its files and
 * processes, or show nothing that depends on the browser: test/node.
 */
import type { TestProjectConfiguration } from 'vitest/config';
import { puppeteerProvider } from './provider.ts';

/** How long a test takes depends on what else the machine does. What hangs is ended by run.ts. */
const noLimit = { testTimeout: 0, hookTimeout: 0 };

const pageTests = ['test/page/smoke.test.ts', 'test/page/driven/*.test.ts'];
/** The page's main path, driven in Firefox: a part of the lane `firefox`. */
const firefoxPageTest = 'test/page/firefox.test.ts';

const gpuTests = {
  // One device at a time: a software adapter uses every core, a real one has one queue.
  fileParallelism: false,
  // One waits for the GPU while something is computed for the other; more would only wait for each other.
  maxConcurrency: 2,
  ...noLimit,
};

export const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: ['test/gpu/**', 'test/node/**', 'test/emulate.test.ts', ...pageTests, firefoxPageTest],
      ...noLimit,
    },
  },
  { extends: true, test: { name: 'emulate', include: ['test/emulate.test.ts'], ...noLimit } },
  {
    extends: true,
    test: {
      name: 'page',
      include: pageTests,
      globalSetup: ['test/page/built_page.ts'],
      fileParallelism: false,
      ...noLimit,
    },
  },
  { extends: true, test: { name: 'firefox-page', include: [firefoxPageTest], ...noLimit } },
  {
    extends: true,
    test: {
      ...gpuTests,
      name: 'node',
      include: ['test/gpu/**/*.test.ts', 'test/node/**/*.test.ts'],
      provide: { lane: 'node' },
      setupFiles: ['test/lanes/node_gpu.ts'],
    },
  },
  {
    extends: true,
    test: {
      ...gpuTests,
      name: 'browsers',
      include: ['test/gpu/**/*.test.ts'],
      // One page for all files: each would load some 250 modules of its own.
      isolate: false,
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
  },
];
