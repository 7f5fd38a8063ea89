/**
 * Builds the page and serves it, once for all tests that drive it: what is built loads in a third of the time that the sources take. With
 * PAGE_FROM_SOURCES it is not built but served from its sources, where a fault in them costs no build.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { serveBuilt } from './serve_built';
import { serveSources } from './serve_sources';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the built page lies, and where it is served. `reports`: whether the server tells what the page's policy forbids. */
    builtPage: { readonly folder: string; readonly address: string; readonly reports: boolean };
  }
}

export default async function setup({ config, provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-page-'));
  const outDir = join(folder, 'page');
  // The browser, whose profile lies there, may be ending still.
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 10 });
  if (process.env.PAGE_FROM_SOURCES) {
    const { address, close } = await serveSources();
    provide('builtPage', { folder: outDir, address, reports: false });
    return async () => {
      await close();
      await remove();
    };
  }
  const { root } = config;
  // Vitest says "test" there, with which Vite builds for development.
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = 'production';
  await build({
    root,
    mode: 'production',
    logLevel: 'error',
    build: { outDir, reportCompressedSize: false },
  });
  process.env.NODE_ENV = before;
  const { address, server } = await serveBuilt(outDir);
  provide('builtPage', { folder: outDir, address, reports: true });
  return async () => {
    server.closeAllConnections();
    server.close();
    await remove();
  };
}
