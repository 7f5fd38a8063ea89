import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { common } from '../../../vite.config.ts';
import { projectsOf, tags } from './lanes.ts';
import { puppeteerProvider } from './provider.ts';

/** The examples run on the sources. */
const source = (name: string) => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));
const examples = {
  '../../dist/lib/digits.js': source('data/digits.ts'),
  '../../dist/lib/worker.js': source('worker/index.ts'),
};
const config = common(false);

const projects = projectsOf({
  enabled: true,
  headless: true,
  ui: false,
  screenshotFailures: false,
  provider: puppeteerProvider,
  instances: [
    { browser: 'chrome', name: 'chrome', provide: { lane: 'chrome' } },
    { browser: 'firefox', name: 'firefox', provide: { lane: 'firefox' } },
  ],
});

export default defineConfig({
  ...config,
  resolve: { alias: { ...config.resolve?.alias, ...examples } },
  test: { projects, tags },
});
