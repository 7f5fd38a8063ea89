/** Serves the examples as they stand, with the sources in place of the built package that they import: they are the same, and need no build. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'vite';
import { root } from './visit';

/** The files of dist/lib, and where their sources are. */
const entries = {
  index: 'index',
  digits: 'data/digits',
  pretrained: 'pretrained/index',
  three: 'three/index',
  worker: 'worker/index',
};

export async function serveExamples(): Promise<{
  readonly address: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const server = await createServer({
    root,
    mode: 'development',
    logLevel: 'error',
    resolve: {
      alias: Object.entries(entries).map(([name, path]) => ({
        find: new RegExp(`^.*/dist/lib/${name}\\.js$`),
        replacement: `${root}src/${path}.ts`,
      })),
    },
    optimizeDeps: { noDiscovery: true },
    // Browsers ask for an icon by themselves. Not puppeteer answers: where it does, a worker's own imports wait for ever.
    plugins: [
      {
        name: 'no-icon',
        configureServer({ middlewares }) {
          middlewares.use('/favicon.ico', (_, response) => response.writeHead(204).end());
        },
      },
    ],
    server: { host: '127.0.0.1', port: 0, hmr: false, watch: null },
  });
  await server.listen();
  const { port } = server.httpServer!.address() as AddressInfo;
  const close = () => server.close();
  return { address: `http://127.0.0.1:${port}/examples/`, close, [Symbol.asyncDispose]: close };
}
