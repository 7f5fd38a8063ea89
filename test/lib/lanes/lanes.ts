/** Which test files each lane runs: what a file needs stands in its name. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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
export const firefoxPage = 'test/page/firefox.page.test.ts';

const needs = (file: string) => /\.(gpu|all|page)\.test\.ts$/.exec(file)?.[1];
const isOf: Readonly<Record<Lane, (file: string) => boolean>> = {
  unit: (file) => !needs(file) && file !== EMULATE,
  emulate: (file) => file === EMULATE,
  node: (file) => ['gpu', 'all'].includes(needs(file)!),
  chrome: (file) => needs(file) === 'all',
  firefox: (file) => needs(file) === 'all' || file === firefoxPage,
  page: (file) => needs(file) === 'page' && file !== firefoxPage,
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
