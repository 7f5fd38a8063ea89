/**
 * The lanes as vitest projects. The browser lanes and `node` run the same files, test/gpu; `node` also those that need its files and
 * processes, or show nothing that depends on the browser: test/node.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { TestProjectConfiguration } from 'vitest/config';
import { limit } from './limits.ts';
import { puppeteerProvider } from './provider.ts';

const pageTests = ['test/page/smoke.test.ts', 'test/page/driven/*.test.ts'];
/** The page's main path, driven in Firefox: a part of the lane `firefox`. */
const firefoxPageTest = 'test/page/firefox.test.ts';

/** Built once for all files of a lane. */
const builtPage = { globalSetup: ['test/page/built_page.ts'] };

/** They put a module of the project's in another's place, before any other file of the process has loaded it. */
const mocking = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => `test/${file}`)
  .filter((file) => file.endsWith('.test.ts') && /\bvi\.(mock|doMock)\(/.test(readFileSync(file, 'utf8')));
const mockingNode = mocking.filter((file) => file.startsWith('test/node/'));
const mockingUnit = mocking.filter((file) => !mockingNode.includes(file));

/** What a test says with `{ tags: 'thorough' }`, or a file with `@module-tag`. Tests that are left out run where they are named, and with `npm test -- --thorough`. */
export const tags = [
  {
    name: 'thorough',
    description: 'takes long, and mostly repeats a quicker test elsewhere or on more cases; left out',
  },
];

/** One process, or page, for all files: each would load some 250 modules of its own. */
const together = { isolate: false };

const fastEqual = { setupFiles: ['test/lanes/equal_bytes.ts'] };

const gpuTests = {
  // One device at a time: a software adapter uses every core, a real one has one queue.
  fileParallelism: false,
  // One waits for the GPU while something is computed for the other; more would only wait for each other.
  maxConcurrency: 2,
  ...limit('compilesShaders'),
};

const onNode = {
  provide: { lane: 'node' as const },
  setupFiles: ['test/lanes/node_gpu.ts', ...fastEqual.setupFiles],
};

export const projects: TestProjectConfiguration[] = [
  {
    extends: true,
    test: {
      name: 'unit',
      include: ['test/**/*.test.ts'],
      exclude: [
        ...['test/gpu/**', 'test/node/**', 'test/engine/emulate.test.ts', ...pageTests, firefoxPageTest],
        ...mockingUnit,
      ],
      ...together,
      ...fastEqual,
      ...limit(),
    },
  },
  { extends: true, test: { name: 'unit-mocking', include: mockingUnit, ...limit() } },
  { extends: true, test: { name: 'emulate', include: ['test/engine/emulate.test.ts'], ...limit() } },
  {
    extends: true,
    test: {
      name: 'page',
      include: pageTests,
      ...together,
      ...builtPage,
      fileParallelism: false,
      ...limit('drivesPage'),
    },
  },
  {
    extends: true,
    test: { name: 'firefox-page', include: [firefoxPageTest], ...builtPage, ...limit('drivesPage') },
  },
  {
    extends: true,
    test: {
      ...gpuTests,
      ...onNode,
      ...together,
      name: 'node',
      include: ['test/gpu/**/*.test.ts', 'test/node/**/*.test.ts'],
      exclude: mockingNode,
    },
  },
  {
    extends: true,
    // After the others.
    test: {
      ...gpuTests,
      ...onNode,
      name: 'node-mocking',
      include: mockingNode,
      sequence: { groupOrder: 1 },
    },
  },
  {
    extends: true,
    test: {
      ...gpuTests,
      name: 'browsers',
      include: ['test/gpu/**/*.test.ts'],
      ...together,
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
