/** Serves the page and the examples from their sources, which stand in place of the built package that the examples import. */
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

export async function serveSources() {
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
    // A dependency that is discovered late makes the server reload the page in the middle of a test.
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
  return { address: `http://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close };
}
