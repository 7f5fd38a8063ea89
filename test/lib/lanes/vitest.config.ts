import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { common } from '../../../vite.config.ts';
import { projects, tags } from './projects.ts';

/** The examples run on the sources. */
const source = (name: string) => fileURLToPath(new URL(`../../../src/${name}`, import.meta.url));
const examples = {
  '../../dist/lib/digits.js': source('data/digits.ts'),
  '../../dist/lib/worker.js': source('worker/index.ts'),
};
const config = common(false);

export default defineConfig({
  ...config,
  resolve: { alias: { ...config.resolve?.alias, ...examples } },
  test: { projects, tags },
});
