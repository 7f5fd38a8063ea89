/**
 * Loads TypeScript of this repository into Node. A Vite server would take 2 to 3 seconds to do so at each start; a bundle is made
 * once, takes a tenth of a second to load, and is good until a source changes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Below node_modules, so that the bundle finds the packages that it leaves outside. */
const cache = join(root, 'node_modules/.cache/webgpu-diffusion');
/** The files and folders that a bundle may be made of. */
const sources = ['harness', 'shaders', 'src', 'test', 'package.json', 'package-lock.json', 'vite.config.ts'];
/** No bundle has tests in it, and what is generated of the shaders is written while one is made. */
const isAside = (name) => /\.(test\.ts|d\.ts|gen\.json)$/.test(name);
/** Bundles of older sources go after a day: a command that began with one has read it long ago. */
const OLD_MS = 24 * 3600 * 1000;

/** The exports of `entry`, a path from the root of the repository. */
export async function load(entry) {
  const name = entry.replaceAll('/', '-').replace(/\.ts$/, '');
  const file = join(cache, `${name}-${fingerprint(entry)}.mjs`);
  if (!existsSync(file)) {
    const code = await bundle(entry);
    mkdirSync(cache, { recursive: true });
    for (const path of readdirSync(cache).map((old) => join(cache, old)))
      if (Date.now() - statSync(path).mtimeMs > OLD_MS) rmSync(path, { force: true });
    // By another name first: a command that starts meanwhile finds the whole bundle or none, and makes its own.
    const beside = `${file}.${randomBytes(4).toString('hex')}.tmp`;
    writeFileSync(beside, code);
    renameSync(beside, file);
  }
  // Errors then name lines of the sources.
  process.setSourceMapsEnabled(true);
  return import(pathToFileURL(file).href);
}

/** Changes when a source does: names, sizes and times are read in 20 ms, contents would take longer. */
function fingerprint(entry) {
  const hash = createHash('sha256').update(`${entry} ${root} ${process.version}`);
  const add = (path) => {
    const found = statSync(join(root, path));
    if (!found.isDirectory()) hash.update(`\n${path} ${found.size} ${found.mtimeMs}`);
    else for (const name of readdirSync(join(root, path)).sort()) if (!isAside(name)) add(join(path, name));
  };
  for (const source of sources) if (existsSync(join(root, source))) add(source);
  return hash.digest('hex').slice(0, 16);
}

/**
 * One file, also of what is imported later: it goes on working when the sources change, and when it is removed. Only data stays where it is:
 * Node splits all text into lines as it loads a bundle, and data is five of six megabytes.
 */
async function bundle(entry) {
  const { build } = await import('vite');
  const before = process.env.NODE_ENV;
  try {
    const { output } = await build({
      root,
      logLevel: 'error',
      publicDir: false,
      plugins: [sourceUrls],
      build: {
        ssr: join(root, entry),
        target: 'node20',
        write: false,
        outDir: cache,
        sourcemap: 'inline',
        rolldownOptions: { output: { codeSplitting: false, sourcemapExcludeSources: true } },
      },
    });
    return output[0].code;
  } finally {
    // Vite says "production" to all that run in this process.
    if (before === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = before;
  }
}

/** A module finds what lies beside its source, not beside the bundle. */
const sourceUrls = {
  name: 'source-urls',
  enforce: 'pre',
  transform(code, id) {
    const [path, query] = id.split('?');
    if (query === 'bytes')
      return `export default async () => new URL(${JSON.stringify(pathToFileURL(path).href)});`;
    // As Vite writes paths, also on Windows.
    const own = path.startsWith(root.replaceAll('\\', '/')) && !path.includes('/node_modules/');
    if (!own || !code.includes('import.meta.url')) return null;
    return code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
  },
};
