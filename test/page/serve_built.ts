/** Serves the built page as a strict host does: in some folder, its policy as a header, too, so that workers are bound by it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { POLICY } from '../../harness/page/policy';

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
    const file = join(folder, /^\/some\/folder\/([\w./-]+)$/.exec(path)?.[1] ?? 'nowhere');
    if (!existsSync(file)) {
      // With a body, or Chrome shows a page of its own.
      response.writeHead(404).end('Not found');
      return;
    }
    response.setHeader('content-security-policy', `${POLICY}; report-uri /reports`);
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    const content = await readFile(file);
    files.push({
      ...{ name: basename(file), bytes: content.length },
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
