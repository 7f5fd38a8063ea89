// npm run bench:peers
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPeerServer } from './vite.mjs';

// The first step is to be timed with all its compiling: what drivers have kept from earlier runs must not help.
const cache = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-peers-'));
process.env.MESA_SHADER_CACHE_DIR = cache;
process.env.__GL_SHADER_DISK_CACHE_PATH = cache;
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

const server = await createPeerServer();
const { main } = await server.ssrLoadModule('/harness/tools/peers/main.ts');
process.exit(await main(process.argv.slice(2), server));
