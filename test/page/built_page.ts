/** Builds the page and serves it, once for all tests that drive it: what is built loads in a third of the time that the sources take. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';

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
  const silent = { root, mode: 'production', logLevel: 'error' } as const;
  await build({ ...silent, build: { outDir, reportCompressedSize: false } });
  const server = await preview({ ...silent, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
  const { port } = server.httpServer.address() as AddressInfo;
  provide('builtPage', { folder: outDir, address: `http://127.0.0.1:${port}/` });
  return async () => {
    await server.close();
    // The browser, whose profile lies there, may be ending still.
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
}
