/** Builds the page and serves it, once for all tests that drive it: what is built loads in a third of the time that the sources take. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { serveBuilt } from './serve_built';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the built page lies, and where it is served. */
    builtPage: { readonly folder: string; readonly address: string };
  }
}

export default async function setup({ config, provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'webgpu-diffusion-page-'));
  const { root } = config;
  const outDir = join(folder, 'page');
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
  provide('builtPage', { folder: outDir, address });
  return async () => {
    server.closeAllConnections();
    server.close();
    // The browser, whose profile lies there, may be ending still.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}
