/** Serves the built page as a strict host does: in some folder, its policy as a header, too, so that workers are bound by it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { INSTANT } from '../../../harness/page/messages/pretrained';
import { POLICY } from '../../../harness/page/policy';
import { gaussianNoise } from '../../../harness/pictures/noise';
import { checkConfig, listParameters, presets } from '../../../src/unet/config';
import type { Sampling } from '../../../src/unet/sampling';
import { saveModel } from '../../../src/weights/save_model';

/** In place of the pretrained networks of `digits`: of the same kind, with few channels and weights by chance. Its loss is some 10, a new network's 2. */
async function tinyNetwork(sampling?: Sampling): Promise<Uint8Array<ArrayBuffer>> {
  const config = checkConfig({ ...presets.digits, widths: [8] });
  const { parameters } = listParameters(config);
  const weights = parameters.map(({ name, shape, size }, at) => {
    const scale = name.endsWith('bias') ? 0 : Math.sqrt((2 * shape.at(-1)!) / size);
    return [name, gaussianNoise(at, 1, size).map((v) => scale * v)] as const;
  });
  const unet = { config, parameters, getParameters: async () => new Map(weights) };
  return saveModel(unet, { objective: 'flow', sampling });
}

/** By the beginnings of the files' names in the built page. */
const tinyNetworks = {
  'digits-instant': () => tinyNetwork(INSTANT.sampling),
  digits: () => tinyNetwork(),
};

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

export interface Served {
  readonly address: string;
  /** What the browser has fetched. `packed`: its bytes with gzip. */
  readonly files: { readonly name: string; readonly bytes: number; readonly packed: number }[];
  /** What the browser reports that the policy forbids, in page and workers. GET /reports tells them, once. */
  readonly reports: { readonly 'violated-directive': string }[];
  readonly server: Server;
}

async function body(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Serves it in /some/folder/, and in /tiny/folder/ with tiny networks in place of the pretrained ones of `digits`. */
export async function serveBuilt(folder: string): Promise<Served> {
  const files: Served['files'][number][] = [];
  const reports: Served['reports'][number][] = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url!, 'http://localhost').pathname.replace(/\/$/, '/index.html');
    if (path === '/reports') {
      if (request.method === 'POST') {
        reports.push(JSON.parse(await body(request))['csp-report']);
        response.end();
      } else response.end(JSON.stringify(reports.splice(0)));
      return;
    }
    const [_, place, name = 'nowhere'] = /^\/(some|tiny)\/folder\/([\w./-]+)$/.exec(path) ?? [];
    const file = join(folder, name);
    if (!existsSync(file)) {
      // With a body, or Chrome shows a page of its own.
      response.writeHead(404).end('Not found');
      return;
    }
    response.setHeader('content-security-policy', `${POLICY}; report-uri /reports`);
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    const tiny = Object.entries(tinyNetworks).find(
      ([start]) =>
        place === 'tiny' && extname(file) === '.safetensors' && basename(file).startsWith(`${start}-`),
    );
    const content = tiny ? await tiny[1]() : await readFile(file);
    files.push({
      name: basename(file),
      bytes: content.length,
      // Only for a test that asks: packing all of a visit takes a tenth of a second.
      get packed() {
        return gzipSync(content).length;
      },
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}/some/folder/`, files, reports, server };
}
