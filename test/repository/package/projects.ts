/** The empty projects: what each installs beside the package, how it is built, and how it is run. */
import { rejects } from 'node:assert/strict';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';
import { version as webgpu } from 'webgpu/package.json';
import { input, type Used } from './checks';
import { resultOf, serve } from './serve';
import { install, shell } from './shell';

export interface Project {
  readonly name: string;
  readonly packages: readonly string[];
  /** Runs in the folder, where everything is installed. */
  run(folder: string): Promise<Used>;
}

export const programs = fileURLToPath(new URL('programs/', import.meta.url));

/** Makes the project in an empty folder, and runs it. */
export async function runProject(project: Project, folder: string, tarball: string): Promise<Used> {
  await install(folder, tarball, ...project.packages);
  await writeFile(join(folder, 'input.js'), input);
  for (const program of await readdir(programs))
    if (program.endsWith('.js')) await copyFile(join(programs, program), join(folder, program));
  return project.run(folder);
}

/** The last line that a program prints. */
const printed = (text: string) => JSON.parse(text.trimEnd().split('\n').at(-1)!) as Used;

/** Runs a program that a project has installed. */
const installed = (folder: string, name: string, ...args: string[]) =>
  shell(folder, join(folder, 'node_modules/.bin', name), ...args);
const words = (command: string) => command.split(' ') as [string, ...string[]];

/** A page with one script, and what `head` has before it. */
export const html = (script: string, head = '') =>
  `<!doctype html>\n<meta charset="utf-8">\n<title>test</title>\n<link rel="icon" href="data:,">\n${head}<canvas></canvas>\n<script type="module" src="${script}"></script>\n`;

/** Serves a folder, with a page if one is given, and gives the page's result. */
async function visit(folder: string, page?: string): Promise<Used> {
  if (page) await writeFile(join(folder, 'index.html'), page);
  using served = await serve(folder);
  return await resultOf<Used>(served.address);
}

/** A page whose script a tool makes of page.js, or of another program: the command, as one types it, and the script; or the folder of all. */
const bundled = (
  name: string,
  packages: readonly string[],
  command: string,
  made: string,
  prepare?: (folder: string) => Promise<unknown>,
): Project => ({
  name,
  packages,
  async run(folder) {
    const isWhole = !made.endsWith('.js');
    if (isWhole) await writeFile(join(folder, 'index.html'), html('page.js'));
    await prepare?.(folder);
    await installed(folder, ...words(command));
    return isWhole ? visit(join(folder, made)) : visit(folder, html(made));
  },
});

/** An import map for packages as they lie in node_modules, of entries that are files. */
export function importMap(entries: Record<string, string>): string {
  const imports = Object.fromEntries(
    Object.entries(entries).map(([name, file]) => [name, `./node_modules/${file}`]),
  );
  return `<script type="importmap">${JSON.stringify({ imports })}</script>\n`;
}

export const ours = Object.fromEntries(
  ['index', 'digits', 'files', 'onnx', 'pretrained', 'three', 'worker'].map((entry) => [
    entry === 'index' ? 'webgpu-diffusion' : `webgpu-diffusion/${entry}`,
    `webgpu-diffusion/dist/lib/${entry}.js`,
  ]),
);
const threes = { 'three/webgpu': 'three/build/three.webgpu.js', 'three/tsl': 'three/build/three.tsl.js' };
const node = `webgpu@${webgpu}`;
const inNode = (program: string) => async (folder: string) =>
  printed(await shell(folder, process.execPath, program));
const parcel = 'parcel build index.html --public-url ./ --no-source-maps';
const esbuild = ['esbuild@0.28.2'];

export const projects: readonly Project[] = [
  { name: 'Node', packages: [node], run: inNode('node.js') },
  { name: 'Node, in the state of valtio 2.3.2', packages: [node, 'valtio@2.3.2'], run: inNode('valtio.js') },
  {
    name: 'Jest 30.5.2',
    packages: [node, 'jest@30.5.2'],
    async run(folder) {
      const config = JSON.stringify({ transform: {}, testRegex: 'in_jest\\.js$' });
      const jest = join(folder, 'node_modules/jest/bin/jest.js');
      await shell(folder, process.execPath, '--experimental-vm-modules', jest, '--config', config);
      return JSON.parse(await readFile(join(folder, 'used.json'), 'utf8')) as Used;
    },
  },
  {
    name: 'Deno 2.9.6',
    packages: ['deno@2.9.6'],
    run: async (folder) => printed(await installed(folder, 'deno', 'run', '--allow-all', 'node.js')),
  },
  {
    name: 'Vite 8.3.8, its server',
    packages: ['vite@8.3.8'],
    async run(root) {
      await writeFile(join(root, 'index.html'), html('/page.js'));
      const open = { host: '127.0.0.1', port: 0, hmr: false } as const;
      const server = await createServer({ root, configFile: false, logLevel: 'error', server: open });
      await server.listen();
      try {
        return await resultOf<Used>(server.resolvedUrls!.local[0]);
      } finally {
        await server.close();
      }
    },
  },
  bundled('Vite 8.3.8, built', ['vite@8.3.8'], 'vite build --base ./', 'dist'),
  bundled(
    'webpack 5.113.0',
    ['webpack@5.113.0', 'webpack-cli@7.3.1'],
    'webpack --mode production --entry ./page.js',
    'dist/main.js',
  ),
  bundled(
    'esbuild 0.28.2',
    esbuild,
    'esbuild page.js --bundle --splitting --minify --format=esm --outdir=out',
    'out/page.js',
  ),
  bundled(
    'a service worker, of one file by esbuild 0.28.2',
    esbuild,
    'esbuild service.js --bundle --format=iife --outfile=service.bundle.js',
    'page_of_service.js',
  ),
  bundled(
    'rollup 4.68.8',
    ['rollup@4.68.8', '@rollup/plugin-node-resolve@16.0.3'],
    'rollup page.js -p node-resolve -d out -f es',
    'out/page.js',
  ),
  bundled('Parcel 2.16.4, set to read exports', ['parcel@2.16.4'], parcel, 'dist', async (folder) => {
    const project = join(folder, 'package.json');
    const settings = { '@parcel/resolver-default': { packageExports: true } };
    // Without the setting it finds no entry at all, and says so.
    await rejects(installed(folder, ...words(parcel)), /Failed to resolve 'webgpu-diffusion' /);
    const all = { ...JSON.parse(await readFile(project, 'utf8')), ...settings };
    await writeFile(project, JSON.stringify(all));
  }),
  {
    name: 'a page without a bundler',
    packages: [],
    run: (folder) => visit(folder, html('page.js', importMap(ours))),
  },
  // The first one with ExternalTexture, and the newest.
  ...['0.180.0', '0.187.0'].map((version) => ({
    name: `three.js ${version}, with a texture of the engine's`,
    packages: [`three@${version}`],
    run: (folder: string) => visit(folder, html('picture.js', importMap({ ...ours, ...threes }))),
  })),
];
