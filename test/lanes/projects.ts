/** The lanes as vitest projects. The browser lanes and `node` run the same files, test/gpu. */
import type { TestProjectConfiguration } from 'vitest/config';
import { puppeteerProvider } from './provider.ts';

const gpuTests = {
  include: ['test/gpu/**/*.test.ts'],
  // One device at a time: a software adapter uses every core, a real one has one queue.
  fileParallelism: false,
  maxConcurrency: 8,
  // A software adapter compiles a pipeline in up to a second at its first dispatch.
  testTimeout: 60_000,
  hookTimeout: 60_000,
};

export const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: ['test/gpu/**', 'test/emulate.test.ts', 'test/page/smoke.test.ts'],
      testTimeout: 30_000,
    },
  },
  { extends: true, test: { name: 'emulate', include: ['test/emulate.test.ts'], testTimeout: 60_000 } },
  { extends: true, test: { name: 'page', include: ['test/page/smoke.test.ts'], testTimeout: 120_000 } },
  {
    extends: true,
    test: { ...gpuTests, name: 'node', provide: { lane: 'node' }, setupFiles: ['test/lanes/node_gpu.ts'] },
  },
  {
    extends: true,
    test: {
      ...gpuTests,
      name: 'browsers',
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
