// A Vite server for what runs the peers: it loads TypeScript into Node, and serves the page.
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

// TensorFlow.js keeps its gradients in a module of its own, which its build for Node lacks: so its ES modules are bundled.
const tfjs = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-core/dist/register_all_gradients',
  '@tensorflow/tfjs-backend-webgpu',
];

export async function createPeerServer() {
  const server = await createServer({
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    // Not the cache of `npm start`, which bundles other packages.
    cacheDir: 'node_modules/.vite/peers',
    logLevel: 'error',
    server: { host: 'localhost', port: 0, hmr: false, ws: false, watch: null },
    optimizeDeps: {
      noDiscovery: true,
      include: ['@jax-js/jax', ...tfjs, '@tensorflow/tfjs-backend-webgl'],
    },
    ssr: { noExternal: [/^@tensorflow\//], optimizeDeps: { include: tfjs } },
  });
  // Vite bundles what optimizeDeps names once it listens.
  return server.listen();
}
