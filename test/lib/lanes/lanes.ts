/** The lanes: which test files each runs, and the vitest projects that they are. What a file needs stands in its name. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { TestProjectConfiguration, TestUserConfig } from 'vitest/config';
import { limit } from './limits.ts';

export const lanes = {
  unit: 'what needs no GPU: x.test.ts',
  emulate: 'small cases of every shader in an interpreter that finds races; no GPU',
  node: 'Node with the npm package webgpu (Dawn): x.gpu.test.ts, x.all.test.ts',
  chrome: 'Chrome or Chromium, headless: x.all.test.ts',
  firefox: 'Firefox, headless: x.all.test.ts; there also the main path of the page',
  page: 'the built page, driven in Chrome as a visitor would: x.page.test.ts',
} as const;
export type Lane = keyof typeof lanes;

const folder = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(`${folder}${file.slice('test/'.length)}`, 'utf8');

/** All test files, from the root, with slashes. */
export const testFiles: readonly string[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file.replaceAll('\\', '/')}`);

const EMULATE = 'test/numbers/emulate.test.ts';
/** The page's main path in Firefox. */
const FIREFOX_PAGE = 'test/page/firefox.page.test.ts';

const needs = (file: string) => /\.(gpu|all|page)\.test\.ts$/.exec(file)?.[1] ?? 'nothing';
const isOf: Readonly<Record<Lane, (file: string) => boolean>> = {
  unit: (file) => needs(file) === 'nothing' && file !== EMULATE,
  emulate: (file) => file === EMULATE,
  node: (file) => ['gpu', 'all'].includes(needs(file)),
  chrome: (file) => needs(file) === 'all',
  firefox: (file) => needs(file) === 'all' || file === FIREFOX_PAGE,
  page: (file) => needs(file) === 'page' && file !== FIREFOX_PAGE,
};
/** A browser adds a compiler: `npm test` runs the numbers in each, and what else a page gives in Node or in Chrome. */
const isQuick = (lane: Lane, file: string) =>
  !/@module-tag nightly/.test(read(file)) &&
  (!['chrome', 'firefox'].includes(lane) || file.startsWith('test/numbers/'));

/** The test files of a lane; `whole`: also those that only `npm run test:all` runs. */
export const laneFiles = (lane: Lane, whole: boolean): string[] =>
  testFiles.filter((file) => isOf[lane](file) && (whole || isQuick(lane, file)));

/** Whether a file puts a module of the project's in another's place: it must do so before any other file of the process has loaded it. */
export const isMocking = (file: string): boolean => /\bvi\.(mock|doMock)\(/.test(read(file));

const filesOf = (lane: Lane, mocks: boolean) =>
  laneFiles(lane, true).filter((file) => file !== FIREFOX_PAGE && isMocking(file) === mocks);

/** What a test says with `{ tags: 'nightly' }`, or a file with `@module-tag`. */
export const tags = [{ name: 'nightly', description: 'run by npm run test:all, and where it is named' }];

/** One process, or page, for all files: each would load some 250 modules of its own. */
const together = { isolate: false };
const fastEqual = 'test/lib/lanes/equal_bytes.ts';
/** The page is built once for all files of a lane. */
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

/** `browser` is how vitest opens one. */
export function projectsOf(browser: TestUserConfig['browser']): TestProjectConfiguration[] {
  // `x-y` is a part of the lane `x`.
  const tests: readonly TestUserConfig[] = [
    { name: 'unit', include: filesOf('unit', false), ...together, setupFiles: [fastEqual], ...limit() },
    { name: 'unit-mocking', include: filesOf('unit', true), ...limit() },
    { name: 'emulate', include: filesOf('emulate', false), ...limit() },
    { name: 'page', include: filesOf('page', false), ...together, ...drivesPage },
    { name: 'firefox-page', include: [FIREFOX_PAGE], ...drivesPage },
    { name: 'node', include: filesOf('node', false), ...together, ...onNode },
    // After the others.
    { name: 'node-mocking', include: filesOf('node', true), ...onNode, sequence: { groupOrder: 1 } },
    { name: 'browsers', include: filesOf('chrome', false), ...together, ...onGpu, browser },
  ];
  return tests.map((test) => ({ extends: true, test }));
}
